// Everything that is checked besides the tests of `npm test`. Every check runs, so that one run shows all there is to mend.
import { join } from 'node:path'
import { forwardSignals, runChild } from './setup/child-process.mjs'
import { root } from './setup/paths.mjs'

const checks = {
  'format and lint': ['node_modules/@biomejs/biome/bin/biome', 'ci', '.'],
  types: ['node_modules/typescript-native/bin/tsc', '-b'],
  boundaries: ['scripts/check-boundaries.ts'],
  words: ['scripts/check-words.ts'],
  lockfile: ['scripts/check-lockfile.ts'],
  'texts of the portal': ['scripts/check-portal-texts.ts'],
  'links in docs': ['scripts/check-links.ts'],
  'option tables': ['scripts/option-tables.ts'],
  plots: ['scripts/plots.ts'],
  'api reports': ['scripts/api-report.ts'],
  build: ['scripts/build.ts'],
  'published packages': ['scripts/check-packages.ts'],
  'unused code': ['node_modules/knip/bin/knip.js', '--no-progress', '--no-config-hints'],
  'examples in docs': ['scripts/check-doc-examples.ts'],
  site: ['scripts/build-site.ts'],
  'packed packages': ['node_modules/vitest/vitest.mjs', 'run', '--project', 'packed'],
  'other runtimes': ['node_modules/vitest/vitest.mjs', 'run', '--config', 'e2e/runtimes/vitest.config.ts'],
}

const chosen = process.argv.slice(2)
const unknown = chosen.filter((name) => !Object.hasOwn(checks, name))
if (unknown.length > 0) {
  console.error(`There is no check "${unknown.join('", "')}"; there are: ${Object.keys(checks).join(', ')}`)
  process.exit(2)
}

forwardSignals()
const failed: string[] = []
for (const [name, args] of Object.entries(checks)) {
  if (chosen.length > 0 && !chosen.includes(name)) continue
  const startedAt = Date.now()
  process.stdout.write(`${name.padEnd(20)}`)
  const { code, output } = await runChild(
    process.execPath,
    args.map((arg) => (arg.includes('/') ? join(root, arg) : arg)),
  )
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
