// Looks at every package as npm would publish it: publint for its package.json, attw for its types.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pack, run } from './pack.ts'
import { root } from './setup/paths.mjs'
import { type Package, publishedPackages } from './workspace.ts'

const publint = join(root, 'node_modules/publint/src/cli.js')
const attw = join(root, 'node_modules/@arethetypeswrong/cli/dist/index.js')

// A package without a CommonJS build is loaded by require() of Node >= 20.19, which attw does not know.
function profileOf(pkg: Package): string {
  return JSON.stringify(pkg.manifest.exports).includes('.cjs') ? 'node16' : 'esm-only'
}

const folder = await mkdtemp(join(tmpdir(), 'x-events-check-'))
try {
  const results = await Promise.allSettled(
    publishedPackages().map(async (pkg) => {
      const tarball = await pack(pkg, folder)
      await run(process.execPath, [publint, 'run', tarball, '--strict'], root)
      await run(process.execPath, [attw, tarball, '--profile', profileOf(pkg), '--format', 'ascii'], root)
    }),
  )
  for (const result of results) {
    if (result.status === 'fulfilled') continue
    console.error(result.reason instanceof Error ? result.reason.message : result.reason)
    process.exitCode = 1
  }
} finally {
  await rm(folder, { recursive: true, force: true })
}
