import { EntityNames, type IEventSubscriber, type SyncEvent, SyncEventActions } from '@x/events-core'
import { siteCacheKey, userCacheKey } from '../cache/cache-keys.ts'
import type { HostCache } from '../cache/host-cache.ts'

/**
 * Forgets what has changed. A broadcast subscription: each node has a cache of its own, and hears of the
 * changes that any node, or any other program, has made.
 */
export class CacheInvalidationEventSubscriber implements IEventSubscriber {
  readonly #cache: HostCache

  constructor(cache: HostCache) {
    this.#cache = cache
  }

  entityChanged({ entityName, entityId, siteKey, action }: SyncEvent): void {
    // Update and Delete are the changes of its row; Refresh and Reload say that what it shows has changed.
    if (entityName === EntityNames.Site && action !== SyncEventActions.Create) {
      this.#cache.remove(siteCacheKey(siteKey))
    }
    if (entityName === EntityNames.User && action !== SyncEventActions.Create) {
      this.#cache.remove(userCacheKey(siteKey, entityId))
    }
  }
}
