import { ALL_SITES, type Alias } from '@x/events-core'

/**
 * Knows whose work a scope does. A request's scope is told by the alias that the request came in
 * under; background work says `setTenant`. Repositories ask it and see that tenant's rows alone.
 */
export class TenantManager {
  #alias: Alias | undefined

  /** The tenant that this scope works for. */
  get tenantId(): number {
    return this.getAlias().tenantId
  }

  setAlias(alias: Alias): void {
    this.#alias = alias
  }

  /** For work that no request asked for: it belongs to a tenant, and to no site in particular. */
  setTenant(tenantId: number): void {
    this.#alias = { aliasId: -1, name: '', tenantId, siteId: ALL_SITES }
  }

  /** @throws when the scope was not told whose work it does: better than to work for the wrong one. */
  getAlias(): Alias {
    if (this.#alias) return this.#alias
    throw new Error('The tenant of this scope is not known: call setTenant or setAlias first.')
  }
}
