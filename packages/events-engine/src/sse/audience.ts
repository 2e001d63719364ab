import type { EventFilter } from '../distributor/event-filter.ts'

/** Whose stream it is, as the host has found out; a client's own word for any of it is worth nothing. */
export interface SseAudience {
  /** Events of this tenant, and those of all tenants. */
  readonly tenantId: number
  /**
   * Only events of this site, of all sites of the tenant, and of all tenants.
   * @defaultValue every site of the tenant
   */
  readonly siteId?: number | undefined
  /** Event types or patterns, or a function that decides. */
  readonly filter?: EventFilter | undefined
  /** Who is signed in, for `limits.perUser`; anything that tells users of a tenant apart. */
  readonly user?: string | undefined
  /** Where the request comes from, for `limits.perAddress`: behind a proxy, what the proxy says. */
  readonly address?: string | undefined
}
