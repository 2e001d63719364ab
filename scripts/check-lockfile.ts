// The lockfile names versions and hashes and no place to fetch from, so that everybody installs from the registry they are set up for.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from './setup/paths.mjs'

const lines = readFileSync(join(root, 'pnpm-lock.yaml'), 'utf8').split('\n')
const addresses = lines.flatMap((line, index) =>
  /\w+:\/\/|tarball:/.test(line) ? [`pnpm-lock.yaml:${index + 1}: ${line.trim()}`] : [],
)
if (addresses.length > 0) {
  console.error(addresses.join('\n'))
  process.exitCode = 1
}
