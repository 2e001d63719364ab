import type { DeliveryStore } from '../delivery-store.ts'
import { createPostgresStore } from '../postgres/store.ts'
import { createSqliteStore } from '../sqlite/store.ts'
import { changeStore } from './change.ts'
import { clockStore } from './clock.ts'
import type { StoreContext } from './context.ts'
import { countStore } from './counts.ts'
import { endpointStore } from './endpoints.ts'
import { leaseStore } from './leases.ts'
import { endpointStateStore } from './queue.ts'
import { reconcileStore } from './reconcile.ts'
import { secretStore } from './secrets.ts'
import { statisticsStore } from './statistics.ts'
import { straightStore } from './straight.ts'
import { tenantStore } from './tenants.ts'
import { windowStore } from './windows.ts'

/** Opens the sender's tables. Statements are composed here, once. */
export function openStore(context: StoreContext): DeliveryStore {
  const { db, sql, names, clock } = context
  const written =
    sql.name === 'postgres' ? createPostgresStore(db, names, clock) : createSqliteStore(db, names, clock)
  return {
    ...written,
    ...endpointStore(context),
    ...secretStore(context),
    ...endpointStateStore(context),
    ...countStore(context),
    ...leaseStore(context),
    ...windowStore(context),
    ...statisticsStore(context),
    ...tenantStore(context),
    ...changeStore(context, written.storeMessages),
    ...reconcileStore(context),
    ...clockStore(context),
    ...straightStore(context),
  }
}
