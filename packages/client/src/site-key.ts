import { ALL_SITES, ALL_TENANTS, type SyncEvent, type TenantSite } from '@x/events-core'

const SITE_KEY = /^(-?\d{1,15}):(-?\d{1,15})$/

/** Reads `tenantId:siteId`; undefined when the text is not that. */
export function parseSiteKey(text: unknown): TenantSite | undefined {
  const parts = typeof text === 'string' ? SITE_KEY.exec(text) : null
  return parts ? { tenantId: Number(parts[1]), siteId: Number(parts[2]) } : undefined
}

/** Whether an event is about a site, about every site of its tenant, or about every tenant. */
export function concernsSite(site: TenantSite, event: SyncEvent): boolean {
  if (event.tenantId === ALL_TENANTS) return true
  return event.tenantId === site.tenantId && (event.siteId === site.siteId || event.siteId === ALL_SITES)
}
