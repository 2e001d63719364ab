import { ALL_SITES, ALL_TENANTS, matchesEventType, type SyncEvent } from '@x/events-core'
import type { EndpointFilterRow } from './endpoints/fields.ts'
import { isOperational, wantsOperational } from './operational-events.ts'

/** Tells which endpoints an event goes to. */
export interface EndpointMatcher {
  /** In the order of their keys. */
  match(event: SyncEvent, eventType: string): readonly EndpointFilterRow[]
}

/** Kinds of events, and endpoints that those are remembered with: of a tenant's thousand, each kind takes 8 KB. */
const MAX_REMEMBERED = 10_000
const MAX_REMEMBERED_ENDPOINTS = 250_000

/**
 * An event goes to the endpoints of its tenant that want its site and its type; one of all tenants to
 * the endpoints of every tenant, and if it is of no site in particular, whichever site they want.
 */
export function createEndpointMatcher(filters: readonly EndpointFilterRow[]): EndpointMatcher {
  const byTenant = Map.groupBy(filters, ({ tenantId }) => tenantId)
  // Events come in few kinds, and patterns are costly to compare.
  const remembered = new Map<string, readonly EndpointFilterRow[]>()
  let rememberedEndpoints = 0

  return {
    match(event, eventType) {
      if (isOperational(event)) {
        // Told from who it is about, not only by its kind.
        const ofTenant = byTenant.get(event.tenantId) ?? []
        return ofTenant.filter((one) => wantsOperational(one, event) && wants(one, event, eventType))
      }
      const kind = `${event.tenantId}:${event.siteId}:${eventType}`
      let matched = remembered.get(kind)
      if (!matched) {
        const candidates = event.tenantId === ALL_TENANTS ? filters : (byTenant.get(event.tenantId) ?? [])
        matched = candidates.filter((filter) => wants(filter, event, eventType))
        rememberedEndpoints += matched.length
        if (remembered.size >= MAX_REMEMBERED || rememberedEndpoints > MAX_REMEMBERED_ENDPOINTS) {
          remembered.clear()
          rememberedEndpoints = matched.length
        }
        remembered.set(kind, matched)
      }
      return matched
    },
  }
}

function wants(filter: EndpointFilterRow, { tenantId, siteId }: SyncEvent, eventType: string): boolean {
  const isEverywhere = tenantId === ALL_TENANTS && siteId === ALL_SITES
  if (filter.siteId !== null && filter.siteId !== siteId && !isEverywhere) return false
  return filter.eventTypes.some((pattern) => matchesEventType(pattern, eventType))
}
