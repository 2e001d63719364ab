import { ALL_SITES, siteKeyOf } from '@x/events-core'

/** Where a site is kept: below the site key that its events carry. */
export function siteCacheKey(siteKey: string): string {
  return `SiteKey:${siteKey}:Site`
}

/** Where a user is kept. */
export function userCacheKey(siteKey: string, userId: number | string): string {
  return `SiteKey:${siteKey}:User:${userId}`
}

/** The site key of what belongs to a tenant, and to no site in particular. */
export function tenantKeyOf(tenantId: number): string {
  return siteKeyOf({ tenantId, siteId: ALL_SITES })
}
