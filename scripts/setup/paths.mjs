import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = fileURLToPath(new URL('../..', import.meta.url))

// What earlier runs left behind lies inside node_modules, so that removing node_modules forgets it too.
export const stateFolder = join(root, 'node_modules', '.x-events')
