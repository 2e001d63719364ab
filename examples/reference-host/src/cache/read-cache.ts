import { LRUCache } from 'lru-cache'

/** Answers that are asked for more often than they change, kept until somebody says that they may have. */
export interface ReadCache<TValue extends object> {
  /**
   * What is kept under a key, or else what `load` answers, for whoever asks next as well. Nothing is
   * kept of what is not there (undefined) or could not be read.
   */
  read(key: string, load: () => Promise<TValue | undefined>): Promise<TValue | undefined>
  /** Whoever asks from now on gets what is read from now on. */
  remove(key: string): void
  /** The same, for every key. */
  clear(): void
}

/** For what changes without an event, such as triggers that were switched off. */
const KEEP_AT_MOST_MS = 10 * 60 * 1_000

/**
 * Creates a cache of so many answers; those that nobody asks for go first.
 *
 * It keeps the promise of an answer, from the moment that reading begins. So a removal also reaches
 * what is still being read: it ends for those who asked before, and finds no way back in. Were the
 * answer put in when it is there, one that was read before a change and arrives after the removal
 * would stay, and nobody would ever remove it.
 */
export function createReadCache<TValue extends object>(maxEntries: number): ReadCache<TValue> {
  const entries = new LRUCache<string, Promise<TValue | undefined>>({ max: maxEntries, ttl: KEEP_AT_MOST_MS })

  return {
    read(key, load) {
      const kept = entries.get(key)
      if (kept) return kept
      const loading = load()
      entries.set(key, loading)
      const forget = () => {
        // By now it may be another one's.
        if (entries.peek(key) === loading) entries.delete(key)
      }
      loading.then((value) => {
        if (value === undefined) forget()
      }, forget)
      return loading
    },
    remove: (key) => void entries.delete(key),
    clear: () => entries.clear(),
  }
}
