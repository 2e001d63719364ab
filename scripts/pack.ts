import { mkdtemp, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { runChild } from './setup/child-process.mjs'
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
  const { code, output } = await runChild(command, args, { cwd, shell: process.platform === 'win32' })
  if (code !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${code}:\n${output}`)
  return output
}
