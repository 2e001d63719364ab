import { ALL_TENANTS, type Assertion } from '@x/events-core'
import type { Kysely } from 'kysely'
import type { SqlDialect } from '../sql/dialect.ts'
import { withSecureDelete } from '../sql/secure-delete.ts'
import type { EventStore } from '../store/event-store.ts'
import type { PurgedBatch } from '../store/purge-tenant.ts'
import { createArgumentAssertion } from '../util/assert.ts'

/** What {@link EventEngine.purgeTenant} has deleted. */
export interface PurgedEvents {
  /** Events of the log. */
  readonly events: number
  readonly parkedEvents: number
}

/** What {@link createTenantPurge} works with. */
export interface TenantPurgeParts {
  readonly db: Kysely<unknown>
  readonly sql: SqlDialect
  readonly store: EventStore
  /** Called when subscriptions may have become able to go on. */
  changed(): void
}

const assertArgument: Assertion = createArgumentAssertion('purgeTenant')

const ROWS_AT_ONCE = 500
/** Parked events are parsed to find their tenant, and may be large. */
const PARKED_AT_ONCE = 20

/** Creates the function that deletes all data of a tenant. Called again after a crash, it continues. */
export function createTenantPurge({ db, sql, store, changed }: TenantPurgeParts) {
  async function all(purge: (after: string) => Promise<PurgedBatch>): Promise<number> {
    let total = 0
    for (let after: string | undefined = '0'; after !== undefined; ) {
      const { count, last }: PurgedBatch = await purge(after)
      total += count
      after = last
      // Others get their turn, since they may share the one connection.
      await new Promise(setImmediate)
    }
    return total
  }

  async function purge(tenantId: number): Promise<PurgedEvents> {
    // Events raised from now on are not included.
    const until = BigInt(await store.lastSequence())
    const events = await all(async (after) => {
      const batch = await store.purgeTenantEvents(tenantId, after, ROWS_AT_ONCE)
      return BigInt(batch.last ?? until) < until ? batch : { ...batch, last: undefined }
    })
    // The log comes before the parked events: an event that is no longer in the log cannot be parked again.
    await store.settleBatches()
    store.forgetRead()
    const parkedEvents = await all((after) => store.purgeTenantParked(tenantId, after, PARKED_AT_ONCE))
    await store.forgetTenantFailures(tenantId)
    await store.clearCaptured()
    changed()
    return { events, parkedEvents }
  }

  return async (tenantId: number): Promise<PurgedEvents> => {
    const isOneTenant = Number.isSafeInteger(tenantId) && tenantId !== ALL_TENANTS
    const expected = `the integer of one tenant, since events of all tenants (${ALL_TENANTS}) leave the log by retention alone`
    assertArgument(isOneTenant, 'tenantId', expected, tenantId)
    return withSecureDelete(db, sql, () => purge(tenantId))
  }
}
