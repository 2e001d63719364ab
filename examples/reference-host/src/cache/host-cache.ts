import { ALL_SITES, siteKeyOf, type TenantSite } from '@x/events-core'
import { LRUCache } from 'lru-cache'

/** What is read more often than it changes, kept until an event says that it may have changed. */
export interface ReadCache<TValue extends object> {
  /**
   * What is kept under a key, or else what `load` reads, which is kept for the next read. Nothing is
   * kept of what is not there (undefined) or could not be read.
   */
  read(key: string, load: () => Promise<TValue | undefined>): Promise<TValue | undefined>
  /** Reads from now on get what is loaded from now on. */
  remove(key: string): void
  /** The same, for every key. */
  clear(): void
}

/**
 * What this node keeps of the database. Each kind has room of its own, so that a crawl of one does not
 * push out the others. Who may do what is never kept: aliases and tokens are looked up each time.
 */
export interface HostCache {
  /** By `siteKey`. */
  readonly sites: ReadCache<object>
  /** The pages of a site, by `siteKey`. */
  readonly sitePages: ReadCache<readonly object[]>
  /** By {@link userKeyOf}. */
  readonly users: ReadCache<object>
}

/** Creates a cache with nothing in it. */
export function createHostCache(): HostCache {
  return {
    sites: createReadCache(1_000),
    sitePages: createReadCache(200),
    users: createReadCache(5_000),
  }
}

/**
 * Names a user in the cache. No site is part of it, although events about users carry one: that is the
 * site that the request came in by, and what it changes is seen on the tenant's other sites as well.
 */
export function userKeyOf({ tenantId }: Pick<TenantSite, 'tenantId'>, userId: number | string): string {
  return `${siteKeyOf({ tenantId, siteId: ALL_SITES })}:User:${userId}`
}

/** For what changes without an event, such as triggers that were switched off. */
const KEEP_AT_MOST_MS = 10 * 60 * 1_000

/**
 * Creates a cache of so many values; the least recently used go first.
 *
 * It keeps the promise of a value, from the moment that reading begins. So a removal also reaches
 * what is still being read: it ends for the reads before, and finds no way back in. Were the
 * value put in when it is there, one that was read before a change and arrives after the removal
 * would stay, and nothing would ever remove it.
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
        // By now it may be another read's.
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
