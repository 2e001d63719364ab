/**
 * Tenant id of an event that concerns every tenant of the installation.
 *
 * @example
 * ```ts
 * import { ALL_TENANTS, EntityNames, type SyncEventInput, SyncEventActions } from '@x/events-core'
 *
 * // What a host raises when it starts: every client of every tenant reloads.
 * const hostStarted: SyncEventInput = {
 *   tenantId: ALL_TENANTS,
 *   siteId: -1,
 *   entityName: EntityNames.Host,
 *   entityId: -1,
 *   action: SyncEventActions.Reload,
 * }
 * ```
 */
export const ALL_TENANTS = -1

/** Site id of an event that belongs to a tenant but to none of its sites in particular. */
export const ALL_SITES = -1

/** The tenant and site that something happened in. */
export interface TenantSite {
  /** An integer; {@link ALL_TENANTS} (-1) for all of them. */
  readonly tenantId: number
  /** An integer; {@link ALL_SITES} (-1) where no single site is concerned. */
  readonly siteId: number
}

/** A host name under which a site of a tenant is reached: what a request is resolved to. */
export interface Alias extends TenantSite {
  readonly aliasId: number
  /** Host name, with a port or path where the site has one: `www.example.com`, `localhost:4000`. */
  readonly name: string
}
