import type { TenantSite } from './alias.ts'
import type { EntityName } from './entity-names.ts'
import type { EntityData } from './entity-types.ts'
import type { JsonValue } from './json.ts'
import type { SyncEventAction } from './sync-event-actions.ts'

/** One change, committed and immutable: what every subscriber, feed and webhook is about. */
export interface SyncEvent extends TenantSite {
  /** `evt_` and a UUID version 7 (RFC 9562); also the `webhook-id` of every webhook about it. */
  readonly id: string
  /** One of `EntityNames`, or the host's own. */
  readonly entityName: string
  readonly entityId: number | string
  /** One of `SyncEventActions`, or the host's own. */
  readonly action: string
  /** When the event was raised, by the clock of the process that raised it. */
  readonly modifiedOn: Date
  /** What the raiser attached; absent when it attached nothing. */
  readonly data?: JsonValue
  /** `${tenantId}:${siteId}`, the key under which caches keep what belongs to a site. */
  readonly siteKey: string
}

/** What a raiser gives; id, time and site key are added when it is raised. */
export interface SyncEventInput<TName extends EntityName = EntityName> extends TenantSite {
  readonly entityName: TName
  readonly entityId: number | string
  readonly action: SyncEventAction
  readonly data?: EntityData<TName> | undefined
}

/**
 * The key under which caches keep what belongs to one site of one tenant.
 *
 * @example
 * ```ts
 * import { siteKeyOf } from '@x/events-core'
 *
 * siteKeyOf({ tenantId: 1, siteId: 7 }) // '1:7'
 * ```
 */
export function siteKeyOf(site: TenantSite): string {
  return `${site.tenantId}:${site.siteId}`
}

/**
 * Completes an event's fields to an immutable {@link SyncEvent}. For those who store or transport
 * events; to raise one, use `addSyncEvent`.
 *
 * @example
 * ```ts
 * import { createSyncEvent } from '@x/events-core'
 *
 * const event = createSyncEvent({
 *   id: 'evt_01890a5d-ac96-774b-bcce-b302099a8057',
 *   tenantId: 1,
 *   siteId: 7,
 *   entityName: 'File',
 *   entityId: 12,
 *   action: 'Download',
 *   modifiedOn: new Date(),
 * })
 * event.siteKey // '1:7'
 * ```
 */
export function createSyncEvent(fields: Omit<SyncEvent, 'siteKey'>): SyncEvent {
  const { id, tenantId, siteId, entityName, entityId, action, modifiedOn, data } = fields
  const event = { id, tenantId, siteId, siteKey: siteKeyOf(fields), entityName, entityId, action, modifiedOn }
  return Object.freeze(data === undefined ? event : { ...event, data })
}
