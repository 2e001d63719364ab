import type { EventEngine, PurgedEvents } from '@x/events-engine'
import { sqlDialectOf, withSecureDelete } from '@x/events-engine/internal'
import type { Kysely } from 'kysely'
import type { SharedClock } from '../clock.ts'
import { validateTenantId } from '../endpoints/validate.ts'
import type { DeliveryStore } from '../store/store.ts'
import type { PurgedMessages } from '../store/tenants.ts'

/** What was deleted of a tenant. */
export interface PurgedTenant extends PurgedEvents {
  readonly endpoints: number
  readonly deliveries: number
}

/** What {@link createTenantPurge} needs. */
export interface TenantPurgeParts<DB> {
  readonly engine: EventEngine<DB>
  readonly store: DeliveryStore
  readonly clock: SharedClock
  /** Called for each endpoint that was deleted. */
  changed(endpointKey: number): void
  /** Rolls up all counters. */
  rollUp(): Promise<void>
}

const AT_ONCE = 500

/** Creates the purge, which deletes everything of a tenant. Called again after a crash, it continues. */
export function createTenantPurge<DB>({ engine, store, clock, changed, rollUp }: TenantPurgeParts<DB>) {
  async function all(purge: (limit: number) => Promise<number>): Promise<number> {
    let total = 0
    for (;;) {
      const count = await purge(AT_ONCE)
      total += count
      if (count === 0) return total
      // Other work gets its turn: on SQLite everything shares one connection.
      await new Promise(setImmediate)
    }
  }

  /** Deletes deliveries whose endpoint no longer exists. */
  async function purgeMessages(tenantId: number): Promise<number> {
    let total = 0
    for (let after: number | undefined = 0; after !== undefined; ) {
      const { deliveries, last }: PurgedMessages = await store.purgeMessages(tenantId, after, AT_ONCE)
      total += deliveries
      after = last
      await new Promise(setImmediate)
    }
    return total
  }

  async function purge(tenantId: number): Promise<PurgedTenant> {
    await clock.sync()
    for (const endpointKey of await store.closeTenant(tenantId, clock.now())) changed(endpointKey)
    // Waits for a fan-out under way, which may know the endpoints as they were.
    const purged = await engine.purgeTenant(tenantId)
    const deliveries = await all((limit) => store.purgeDeliveries(tenantId, limit))
    const endpoints = await store.purgeEndpoints(tenantId)
    await store.purgeAlerts(tenantId)
    await all((limit) => store.purgeAuditLogOf(tenantId, limit))
    const more = await purgeMessages(tenantId)
    // Last: counters of endpoints that are gone are dropped by the rollup.
    await rollUp()
    await all((limit) => store.purgeStatistics(tenantId, limit))
    return { endpoints, deliveries: deliveries + more, ...purged }
  }

  /** @throws WebhookSenderError `invalid_endpoint` */
  return async function purgeTenant(tenantId: number): Promise<PurgedTenant> {
    validateTenantId(tenantId)
    return withSecureDelete(engine.db.withoutPlugins() as Kysely<unknown>, sqlDialectOf(engine.dialect), () =>
      purge(tenantId),
    )
  }
}
