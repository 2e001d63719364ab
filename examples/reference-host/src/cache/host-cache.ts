import { LRUCache } from 'lru-cache'

const MAX_ENTRIES = 10_000

/**
 * What this node remembers of the database, under keys such as `SiteKey:1:7:Site`. Entries are removed
 * by the subscriber to the events about them, on every node, and by whoever changes them here.
 */
export class HostCache {
  readonly #entries = new LRUCache<string, object>({ max: MAX_ENTRIES })
  #removals = 0

  /**
   * The entry under a key, loaded where there is none. What was loaded while anything was removed is not
   * kept: it may have been read before the change that the removal was about. Nor is it kept that there
   * is nothing, so that what is created need not be looked for here.
   */
  async getOrLoad<TEntity extends object>(
    key: string,
    load: () => Promise<TEntity | undefined>,
  ): Promise<TEntity | undefined> {
    const kept = this.#entries.get(key)
    if (kept) return kept as TEntity
    const removalsBefore = this.#removals
    const loaded = await load()
    if (loaded && this.#removals === removalsBefore) this.#entries.set(key, loaded)
    return loaded
  }

  remove(key: string): void {
    this.#removals += 1
    this.#entries.delete(key)
  }
}
