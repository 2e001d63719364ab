import { spawn } from 'node:child_process'
import { mkdtemp, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Package } from './workspace.ts'

/** Packs a package as it would be published; answers the path of the tarball in a folder of its own. */
export async function pack(pkg: Package, folder: string): Promise<string> {
  const target = await mkdtemp(join(folder, 'pack-'))
  // pnpm and not npm: it replaces workspace:, catalog: and what publishConfig overrides.
  await run('pnpm', ['pack', '--pack-destination', target], pkg.folder)
  const [tarball] = await readdir(target)
  if (tarball === undefined) throw new Error(`pnpm pack wrote nothing for ${pkg.name}`)
  return join(target, tarball)
}

/** Runs a command to its end; rejects with what it wrote where it fails. */
export async function run(command: string, args: readonly string[], cwd: string): Promise<string> {
  const child = spawn(command, args, {
    cwd,
    stdio: ['ignore', 'pipe', 'pipe'],
    shell: process.platform === 'win32',
  })
  const chunks: Buffer[] = []
  child.stdout.on('data', (chunk) => chunks.push(chunk))
  child.stderr.on('data', (chunk) => chunks.push(chunk))
  const code = await new Promise((resolve, reject) => child.once('error', reject).once('close', resolve))
  const output = Buffer.concat(chunks).toString()
  if (code !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${code}:\n${output}`)
  return output
}
