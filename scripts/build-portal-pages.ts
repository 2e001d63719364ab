// Builds the portal's pages, which a host that runs from its sources serves too. They take a second, all packages half a minute.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { runChild } from './setup/child-process.mjs'
import { withLock } from './setup/lock.mjs'
import { root, stateFolder } from './setup/paths.mjs'
import { filesBelow, hashOf, readStamp, removeStamp, writeStamp } from './setup/stamp.mjs'

const folder = join(root, 'packages', 'portal')
const stamp = join(stateFolder, 'built', 'portal-pages')

/** Brings `dist/ui` of the portal up to date; throws with the output of a build that fails. */
export async function buildPortalPages(): Promise<void> {
  await withLock(async () => {
    const config = join(folder, 'vite.config.ts')
    const hash = hashOf([...filesBelow(join(folder, 'src', 'ui')), config, join(root, 'pnpm-lock.yaml')])
    if (readStamp(stamp) === hash && existsSync(join(folder, 'dist', 'ui', 'index.html'))) return
    removeStamp(stamp)
    const vite = join(folder, 'node_modules', 'vite', 'bin', 'vite.js')
    const { code, output } = await runChild(process.execPath, [vite, 'build'], { cwd: folder })
    if (code !== 0) throw new Error(`The build of the portal's pages failed:\n${output}`)
    writeStamp(stamp, hash)
  })
}

/** For vitest's `globalSetup`. */
export async function setup(): Promise<void> {
  await buildPortalPages()
}
