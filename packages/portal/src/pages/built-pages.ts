import { readdir, readFile } from 'node:fs/promises'
import { basename, dirname, extname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** A file of the built pages. */
export interface PageFile {
  readonly type: string
  readonly bytes: Uint8Array<ArrayBuffer>
  /** Whether its name changes with its content. */
  readonly isImmutable: boolean
}

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
}

/** Where the build leaves them: beside this package's own code, or above it while that runs from its sources. */
function folderOfPages(): string {
  const here = dirname(fileURLToPath(import.meta.url))
  return basename(here) === 'pages' ? join(here, '..', '..', 'dist', 'ui') : join(here, 'ui')
}

/** Reads all of them, by their path below the portal; none where they were not built. */
export async function readBuiltPages(folder = folderOfPages()): Promise<ReadonlyMap<string, PageFile>> {
  const files = new Map<string, PageFile>()
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => [])
  for (const entry of entries) {
    const type = TYPES[extname(entry.name)]
    if (!entry.isFile() || type === undefined) continue
    const path = join(entry.parentPath, entry.name)
    const name = path.slice(folder.length).replaceAll('\\', '/')
    const bytes = new Uint8Array(await readFile(path))
    files.set(name, { type, bytes, isImmutable: name.startsWith('/assets/') })
  }
  return files
}
