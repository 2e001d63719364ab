import { ALL_SITES, siteKeyOf, type TenantSite } from '@x/events-core'
import type { Page } from '../domain/page.ts'
import type { Site } from '../domain/site.ts'
import type { User } from '../domain/user.ts'
import { createReadCache, type ReadCache } from './read-cache.ts'

/**
 * What this node keeps of the database. Each kind has room of its own, so that a crawl of one does not
 * push out the others. Who may do what is never kept: aliases and tokens are looked up each time.
 */
export interface HostCache {
  /** By `siteKey`. */
  readonly sites: ReadCache<Site>
  /** The pages of a site, by `siteKey`. */
  readonly sitePages: ReadCache<Page[]>
  /** By {@link userKeyOf}. */
  readonly users: ReadCache<User>
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
 * site that somebody came in by, and what they change is seen on the tenant's other sites as well.
 */
export function userKeyOf({ tenantId }: Pick<TenantSite, 'tenantId'>, userId: number | string): string {
  return `${siteKeyOf({ tenantId, siteId: ALL_SITES })}:User:${userId}`
}
