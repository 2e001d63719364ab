import { useCallback, useSyncExternalStore } from 'react'
import { ask, type Problem } from './http.ts'

/** Something of the API that a page shows. */
export interface Resource<TData> {
  /** The last that was heard; kept while it is fetched again. */
  readonly data: TData | undefined
  /** Why the last try has failed. */
  readonly problem: Problem | undefined
}

interface Entry {
  resource: Resource<unknown>
  readonly listeners: Set<() => void>
  isFetching: boolean
  isStale: boolean
}

const EMPTY: Resource<never> = { data: undefined, problem: undefined }
const entries = new Map<string, Entry>()
const ending = new Set<string>()

/** The path that all others are below. */
export const EVERYTHING = ''

function entryOf(path: string): Entry {
  const known = entries.get(path)
  if (known) return known
  const entry: Entry = { resource: EMPTY, listeners: new Set(), isFetching: false, isStale: false }
  entries.set(path, entry)
  return entry
}

async function fetchEntry(path: string, entry: Entry): Promise<void> {
  if ([...ending].some((gone) => gone === EVERYTHING || path === gone || path.startsWith(`${gone}/`))) return
  // Once more afterwards: what is under way may have been read before the change.
  if (entry.isFetching) {
    entry.isStale = true
    return
  }
  entry.isFetching = true
  try {
    entry.resource = { data: await ask('GET', path), problem: undefined }
  } catch (problem) {
    entry.resource = { data: entry.resource.data, problem: problem as Problem }
  }
  entry.isFetching = false
  for (const listener of entry.listeners) listener()
  if (!entry.isStale) return
  entry.isStale = false
  if (entry.listeners.size > 0) await fetchEntry(path, entry)
}

/** Fetches something, and again whenever it may have changed. */
export function useResource<TData>(path: string | undefined): Resource<TData> {
  const subscribe = useCallback(
    (listener: () => void) => {
      if (path === undefined) return () => {}
      const entry = entryOf(path)
      entry.listeners.add(listener)
      void fetchEntry(path, entry)
      return () => {
        entry.listeners.delete(listener)
        // Kept for a moment: React lets go and takes hold again, and whoever goes back finds it there.
        setTimeout(
          () => entry.listeners.size === 0 && entries.get(path) === entry && entries.delete(path),
          10_000,
        )
      }
    },
    [path],
  )
  const read = () => (path === undefined ? EMPTY : entryOf(path).resource)
  return useSyncExternalStore(subscribe, read) as Resource<TData>
}

/** Ends something; what the page shows of it, at this path and below, is not asked for again meanwhile. */
export async function whileEnding(path: string, end: () => Promise<void>): Promise<void> {
  ending.add(path)
  try {
    await end()
  } finally {
    ending.delete(path)
  }
}

/** Fetches again what is on the page and begins with one of these paths; all of it by default. */
export function refresh(...paths: readonly string[]): void {
  for (const [path, entry] of entries) {
    if (entry.listeners.size === 0) entries.delete(path)
    else if (paths.length === 0 || paths.some((start) => path.startsWith(start))) void fetchEntry(path, entry)
  }
}

/** Forgets everything, when somebody else may look. */
export function forgetResources(): void {
  entries.clear()
}
