// The Node and pnpm that the repository is worked on with, fetched once into .toolchain/ with nothing but npm.
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import process from 'node:process'
import { root } from './paths.mjs'
import { readStamp, removeStamp, writeStamp } from './stamp.mjs'
import { runQuietly } from './step.mjs'

const NODE = '24.21.0'
const PNPM = '12.21.0'
// Scripts and examples run from TypeScript sources that say `await using`. Published packages ask for less.
const OLDEST_NODE = [24, 2]

const folder = join(root, '.toolchain')
const modules = join(folder, 'node_modules')
const isWindows = process.platform === 'win32'

function isNewEnough() {
  const [major, minor] = process.versions.node.split('.').map(Number)
  return major > OLDEST_NODE[0] || (major === OLDEST_NODE[0] && minor >= OLDEST_NODE[1])
}

/** What is missing on this machine, as npm package specifiers. */
function neededPackages() {
  // The version is named here alone: a packageManager field would make pnpm and corepack replace themselves.
  const needed = [`pnpm@${PNPM}`]
  if (isNewEnough()) return needed
  if (process.platform !== 'linux' || !['x64', 'arm64'].includes(process.arch)) {
    console.error(
      `This repository needs Node ${OLDEST_NODE.join('.')} or newer, and this is ${process.version}.\n` +
        `On Linux a newer one is fetched by itself; here, please install it first: https://nodejs.org/`,
    )
    process.exit(1)
  }
  // Not the package "node": it picks its binary in an install script, which npm may be told not to run.
  needed.push(`node-linux-${process.arch}@${NODE}`)
  return needed
}

/** Makes sure of Node and pnpm; answers where they are and the environment for every child process. */
export async function prepareToolchain() {
  const needed = neededPackages()
  const bundledNode = join(modules, `node-linux-${process.arch}`, 'bin')
  const nodeFolder = needed.length > 1 ? bundledNode : dirname(process.execPath)

  const stamp = join(folder, 'installed')
  const installed = (readStamp(stamp) ?? '').split('\n')
  if (!needed.every((name) => installed.includes(name)) || !existsSync(modules)) {
    removeStamp(stamp)
    mkdirSync(folder, { recursive: true })
    // Without a package.json of its own, npm would take the repository's.
    writeFileSync(join(folder, 'package.json'), '{ "private": true }\n')
    const args = ['install', '--prefix', folder, '--loglevel=error', '--no-audit', '--no-fund', '--no-save']
    await runQuietly(`Fetching ${needed.join(' and ')}`, 'npm', [...args, ...needed], {
      cwd: folder,
      shell: isWindows,
    })
    writeStamp(stamp, needed.join('\n'))
  }
  return {
    node: join(nodeFolder, isWindows ? 'node.exe' : 'node'),
    // The script and not the binary beside it, which is in place only if npm ran pnpm's install script.
    pnpm: join(modules, 'pnpm', 'bin', 'pnpm.mjs'),
    env: environment(nodeFolder),
  }
}

function environment(nodeFolder) {
  const env = { ...process.env }
  // npm describes itself and its own Node to its children; those here use another one.
  for (const name of Object.keys(env)) {
    if (/^(NODE|npm_(node_execpath|execpath|command|lifecycle_.*|package_.*))$/.test(name)) delete env[name]
  }
  const pathName = Object.keys(env).find((name) => name.toUpperCase() === 'PATH') ?? 'PATH'
  const folders = [nodeFolder, join(modules, '.bin'), join(root, 'node_modules', '.bin'), env[pathName] ?? '']
  env[pathName] = folders.join(delimiter)
  return env
}
