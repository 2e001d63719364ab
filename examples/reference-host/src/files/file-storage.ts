import { randomUUID } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { type FileHandle, mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'

/** Bytes that are safely on disk. */
export interface StoredContent {
  /** What to ask for them by. */
  readonly storageKey: string
  readonly size: number
}

/** Keeps the bytes of files, under keys that it makes itself: no name from outside becomes a path. */
export interface FileStorage {
  /** Writes a stream to disk. When it fails, or the stream does, nothing is left behind. */
  save(content: Readable): Promise<StoredContent>
  /** Opens bytes for reading; a handle outlives a removal. */
  open(storageKey: string): Promise<FileHandle>
  remove(storageKey: string): Promise<void>
  /**
   * Removes what a crash left behind: half-written uploads, and bytes whose row was never committed
   * or is gone. What was written within the last hour stays: another process of this host, which is
   * about to end, may still be at it.
   *
   * @param known - tells which of these keys a row refers to.
   */
  removeOrphans(known: (storageKeys: readonly string[]) => Promise<readonly string[]>): Promise<void>
}

const KEY = /^[0-9a-f-]{36}$/
const ORPHANED_AFTER_MS = 60 * 60 * 1_000

/** Creates the storage below a folder. Both parts of it must be on one file system, to rename across. */
export async function openFileStorage(folder: string): Promise<FileStorage> {
  const incoming = join(folder, 'incoming')
  const stored = join(folder, 'stored')
  for (const path of [incoming, stored]) await mkdir(path, { recursive: true, mode: 0o700 })

  // Spread over 256 folders, so that none of them grows without bounds.
  const shelfOf = (storageKey: string) => join(stored, storageKey.slice(0, 2))
  function pathOf(storageKey: string): string {
    if (!KEY.test(storageKey)) throw new Error(`Not a storage key: ${storageKey}`)
    return join(shelfOf(storageKey), storageKey)
  }

  return {
    async save(content) {
      const storageKey = randomUUID()
      const temporary = join(incoming, storageKey)
      try {
        await pipeline(content, createWriteStream(temporary, { flags: 'wx', mode: 0o600, flush: true }))
        const { size } = await stat(temporary)
        await mkdir(shelfOf(storageKey), { recursive: true, mode: 0o700 })
        await rename(temporary, pathOf(storageKey))
        await syncFolder(shelfOf(storageKey))
        return { storageKey, size }
      } catch (error) {
        await rm(temporary, { force: true })
        throw error
      }
    },
    open: (storageKey) => open(pathOf(storageKey), 'r'),
    remove: (storageKey) => rm(pathOf(storageKey), { force: true }),
    async removeOrphans(known) {
      for (const name of await readdir(incoming)) await removeIfOld(join(incoming, name))
      for (const shelf of await readdir(stored)) {
        const keys = (await readdir(join(stored, shelf))).filter((name) => KEY.test(name))
        const kept = new Set(keys.length === 0 ? [] : await known(keys))
        for (const key of keys) if (!kept.has(key)) await removeIfOld(pathOf(key))
      }
    },
  }
}

async function removeIfOld(path: string): Promise<void> {
  const { mtimeMs } = await stat(path)
  if (Date.now() - mtimeMs > ORPHANED_AFTER_MS) await rm(path, { force: true })
}

// A rename is on disk only once its folder is. Windows has no such thing and needs none.
async function syncFolder(path: string): Promise<void> {
  if (process.platform === 'win32') return
  const handle = await open(path, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
