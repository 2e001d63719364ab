import { ALL_SITES, EntityNames, type IEventSubscriber, type SyncEvent } from '@x/events-core'
import { type HostCache, userKeyOf } from '../cache/host-cache.ts'

/**
 * Removes from this node's cache what an event says has changed, whichever node or program changed it.
 * A broadcast subscription: every node has a cache of its own, and has to hear of every change.
 */
export class CacheInvalidationEventSubscriber implements IEventSubscriber {
  readonly #cache: HostCache

  constructor(cache: HostCache) {
    this.#cache = cache
  }

  entityChanged(syncEvent: SyncEvent): void {
    const { sites, sitePages, users } = this.#cache
    const { entityName, entityId, siteId, siteKey } = syncEvent
    switch (entityName) {
      // Update and Delete are about the site itself; Refresh and Reload, about anything that it shows.
      case EntityNames.Site:
        if (siteId === ALL_SITES) {
          sites.clear()
          sitePages.clear()
        }
        sites.remove(siteKey)
        sitePages.remove(siteKey)
        break
      // Other programs change pages and raise no refresh.
      case EntityNames.Page:
        sitePages.remove(siteKey)
        break
      case EntityNames.User:
        users.remove(userKeyOf(syncEvent, entityId))
        break
    }
  }
}
