import { validateTenantId } from '../endpoints/validate-endpoint.ts'
import type { SharedClock } from '../postgres/database-clock.ts'
import type { TenantStore } from './tenant-store.ts'

/** What was deleted of a tenant. */
export interface PurgedTenant {
  readonly endpoints: number
  readonly deliveries: number
}

/** What {@link createTenantPurge} works with. */
export interface TenantPurgeParts {
  readonly store: TenantStore
  readonly clock: SharedClock
  /** Called for each endpoint that was deleted. */
  changed(endpointKey: number): void
  /** Adds up what is counted and not added yet. */
  fold(): Promise<void>
}

const AT_ONCE = 500

/** Creates what deletes everything of a tenant; begun again, it goes on. */
export function createTenantPurge({ store, clock, changed, fold }: TenantPurgeParts) {
  async function all(purge: (limit: number) => Promise<number>): Promise<number> {
    let total = 0
    for (;;) {
      const count = await purge(AT_ONCE)
      total += count
      if (count < AT_ONCE) return total
      // Others get their turn: on SQLite they share the one connection.
      await new Promise(setImmediate)
    }
  }

  /** @throws WebhookSenderError `invalid_endpoint` */
  return async function purgeTenant(tenantId: number): Promise<PurgedTenant> {
    validateTenantId(tenantId)
    await clock.sync()
    for (const endpointKey of await store.closeTenant(tenantId, clock.now())) changed(endpointKey)
    const deliveries = await all((limit) => store.purgeDeliveries(tenantId, limit))
    const endpoints = await store.purgeEndpoints(tenantId)
    // Only then: what is counted of endpoints that are gone goes nowhere.
    await fold()
    await all((limit) => store.purgeStatistics(tenantId, limit))
    return { endpoints, deliveries }
  }
}
