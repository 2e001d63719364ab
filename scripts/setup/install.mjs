import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import process from 'node:process'
import { root, stateFolder } from './paths.mjs'
import { hashOf, readStamp, removeStamp, writeStamp } from './stamp.mjs'
import { runQuietly } from './step.mjs'

const stamp = join(stateFolder, 'installed')

/** Every file that decides what gets installed. */
function decidingFiles() {
  const files = ['package.json', 'pnpm-lock.yaml', 'pnpm-workspace.yaml'].map((name) => join(root, name))
  for (const group of ['packages', 'internal', 'examples', 'e2e', 'bench', 'docs', 'scripts']) {
    const folder = join(root, group)
    if (!existsSync(folder)) continue
    files.push(join(folder, 'package.json'))
    for (const name of readdirSync(folder)) files.push(join(folder, name, 'package.json'))
  }
  return files.filter((file) => existsSync(file))
}

/** Installs what the lockfile says, unless that is what is there. */
export async function installPackages({ node, pnpm, env }) {
  const hash = hashOf(decidingFiles(), process.platform, process.arch)
  if (readStamp(stamp) === hash) return
  removeStamp(stamp)
  await runQuietly(
    'Installing packages',
    node,
    // Nobody may be there to answer whether an outdated node_modules can be replaced.
    [pnpm, 'install', '--frozen-lockfile', '--prefer-offline', '--config.confirmModulesPurge=false'],
    { env },
  )
  writeStamp(stamp, hash)
}
