// Runs one of the repository's jobs on a machine that may have only Node 20 and npm: it brings the tool
// chain, installs and builds what is out of date, then does the job. Nothing is installed when this file
// starts, so it and scripts/setup/*.mjs import no dependency, and Node 18 must be able to parse them.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import process from 'node:process'
import { prepareBrowser } from './setup/browser.mjs'
import { forwardSignals } from './setup/child-process.mjs'
import { installPackages } from './setup/install.mjs'
import { withLock } from './setup/lock.mjs'
import { root } from './setup/paths.mjs'
import { runShown } from './setup/step.mjs'
import { prepareToolchain } from './setup/toolchain.mjs'

const fromSource = '--conditions=@x/source'
const vitest = join('node_modules', 'vitest', 'vitest.mjs')
const biome = join('node_modules', '@biomejs', 'biome', 'bin', 'biome')

const changeset = join('node_modules', '@changesets', 'cli', 'bin.js')

const [job, ...args] = process.argv.slice(2)
const isChosen = args.some((arg) => !arg.startsWith('-') || arg.startsWith('--project'))

const jobs = {
  start: { run: [fromSource, 'scripts/start.ts'] },
  'start:cluster': { run: [fromSource, 'scripts/start-cluster.ts'] },
  demo: { run: [fromSource, 'scripts/demo.ts'] },
  // A chosen test runs at once. Without a choice, all run but those of packed packages, which "check" runs.
  test: isChosen
    ? { browser: true, run: [vitest, 'run'] }
    : { build: true, browser: true, run: [vitest, 'run', '--project=!packed'] },
  'test:postgres': { run: ['scripts/test-postgres-versions.ts'] },
  soak: { run: ['scripts/soak.ts'] },
  check: { run: ['scripts/check.ts'] },
  bench: { run: [fromSource, 'bench/main.ts'] },
  build: { run: ['scripts/build.ts'] },
  docs: { run: ['scripts/build-site.ts'] },
  screenshots: { browser: true, run: [fromSource, 'scripts/screenshots.ts'] },
  changeset: { run: [changeset] },
  release: { build: true, run: [changeset, 'publish'] },
  format: { run: [biome, 'check', '--write', '.'] },
}

const chosen = Object.hasOwn(jobs, job ?? '') ? jobs[job] : undefined
if (chosen === undefined) {
  console.error(`usage: node scripts/run.mjs ${Object.keys(jobs).join('|')} [arguments]`)
  process.exit(2)
}

forwardSignals()
const { node, env } = await withLock(async () => {
  const toolchain = await prepareToolchain()
  await installPackages(toolchain)
  if (chosen.browser) await prepareBrowser()
  return toolchain
})

if (chosen.build) {
  const code = await runShown(node, ['scripts/build.ts'], env)
  if (code !== 0) process.exit(code)
}

const script = chosen.run.find((part) => !part.startsWith('-'))
if (!existsSync(join(root, script))) {
  console.error(`${script} is not there yet, so there is no "${job}" to run.`)
  process.exit(1)
}
process.exit(await runShown(node, [...chosen.run, ...args], env))
