// Everything that is checked besides the tests of `npm test`. Every check runs, so that one run shows all there is to mend.
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { root } from './setup/paths.mjs'

const checks = {
  'format and lint': ['node_modules/@biomejs/biome/bin/biome', 'ci', '.'],
  types: ['node_modules/typescript-native/bin/tsc', '-b'],
  boundaries: ['scripts/check-boundaries.ts'],
  build: ['scripts/build.ts'],
  'published packages': ['scripts/check-packages.ts'],
  'unused code': ['node_modules/knip/bin/knip.js', '--no-progress', '--treat-config-hints-as-errors'],
  'examples in docs': ['scripts/check-doc-examples.ts'],
  'packed packages': ['node_modules/vitest/vitest.mjs', 'run', '--project', 'packed'],
}

async function run(args: readonly string[]): Promise<{ code: unknown; output: string }> {
  const child = spawn(process.execPath, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] })
  const chunks: Buffer[] = []
  child.stdout.on('data', (chunk) => chunks.push(chunk))
  child.stderr.on('data', (chunk) => chunks.push(chunk))
  const code = await new Promise((resolve, reject) => child.once('error', reject).once('close', resolve))
  return { code, output: Buffer.concat(chunks).toString() }
}

const chosen = process.argv.slice(2)
const unknown = chosen.filter((name) => !Object.hasOwn(checks, name))
if (unknown.length > 0) {
  console.error(`There is no check "${unknown.join('", "')}"; there are: ${Object.keys(checks).join(', ')}`)
  process.exit(2)
}

const failed: string[] = []
for (const [name, args] of Object.entries(checks)) {
  if (chosen.length > 0 && !chosen.includes(name)) continue
  const startedAt = Date.now()
  process.stdout.write(`${name.padEnd(20)}`)
  const { code, output } = await run(args.map((arg) => (arg.includes('/') ? join(root, arg) : arg)))
  const seconds = `${((Date.now() - startedAt) / 1000).toFixed(1)} s`
  if (code === 0) {
    console.log(`ok       ${seconds}`)
  } else {
    console.log(`FAILED   ${seconds}\n${output}`)
    failed.push(name)
  }
}
if (failed.length > 0) {
  console.error(`Failed: ${failed.join(', ')}`)
  process.exitCode = 1
}
