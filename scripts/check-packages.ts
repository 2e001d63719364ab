// Looks at every package as npm would publish it: its files and size, publint for its package.json, attw for its types.
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { pack, run } from './pack.ts'
import { root } from './setup/paths.mjs'
import { type Package, publishedPackages } from './workspace.ts'

const publint = join(root, 'node_modules/publint/src/cli.js')
const attw = join(root, 'node_modules/@arethetypeswrong/cli/dist/index.js')

// A package without a CommonJS build is loaded by require() of Node >= 20.19, which attw does not know.
function profileOf(pkg: Package): string {
  return JSON.stringify(pkg.manifest.exports).includes('.cjs') ? 'node16' : 'esm-only'
}

/** Most kilobytes of each tarball, about a quarter more than it has: what grows beyond is looked at. */
const LARGEST_KB: Readonly<Record<string, number>> = {
  '@x/client': 110,
  '@x/events-core': 50,
  '@x/events-engine': 360,
  '@x/portal': 420,
  '@x/receiver': 680,
  '@x/sender': 730,
  '@x/signature': 115,
}
const EXPECTED = /^package\/(?:package\.json|README\.md|LICENSE|CHANGELOG\.md|(?:dist|bin|vectors)\/.*)$/
const REQUIRED = ['package/package.json', 'package/README.md', 'package/LICENSE']

/** No sources, tests or secrets are published by accident. */
async function assertContents(pkg: Package, tarball: string): Promise<void> {
  const files = (await run('tar', ['tzf', tarball], root)).trim().split('\n')
  const unexpected = files.filter((file) => !EXPECTED.test(file))
  const missing = REQUIRED.filter((file) => !files.includes(file))
  if (unexpected.length > 0) throw new Error(`${pkg.name} packs what it should not: ${unexpected.join(', ')}`)
  if (missing.length > 0) throw new Error(`${pkg.name} packs no ${missing.join(', ')}`)
  const kilobytes = Math.ceil((await stat(tarball)).size / 1_000)
  const limit = LARGEST_KB[pkg.name] ?? 0
  if (kilobytes > limit) {
    throw new Error(
      `${pkg.name} is packed to ${kilobytes} KB, more than ${limit} (LARGEST_KB in scripts/check-packages.ts)`,
    )
  }
}

/** Whoever mounts the portal serves its scripts: all of them, in every language, as servers compress them. */
const LARGEST_SCRIPTS = 150 * 1_024

async function assertScripts(pkg: Package): Promise<void> {
  const assets = join(pkg.folder, 'dist', 'ui', 'assets')
  const scripts = (await readdir(assets)).filter((name) => name.endsWith('.js'))
  const sizes = await Promise.all(
    scripts.map(async (name) => gzipSync(await readFile(join(assets, name)), { level: 9 }).length),
  )
  const sum = sizes.reduce((total, size) => total + size, 0)
  if (sum === 0 || sum > LARGEST_SCRIPTS) {
    throw new Error(
      `The scripts of ${pkg.name} have ${sum} bytes gzipped, not 1 to ${LARGEST_SCRIPTS} (LARGEST_SCRIPTS in scripts/check-packages.ts)`,
    )
  }
}

const folder = await mkdtemp(join(tmpdir(), 'x-events-check-'))
try {
  const results = await Promise.allSettled(
    publishedPackages().map(async (pkg) => {
      const tarball = await pack(pkg, folder)
      await assertContents(pkg, tarball)
      if (pkg.name === '@x/portal') await assertScripts(pkg)
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
