import type { Kysely } from 'kysely'
import type { SharedClock } from '../clock.ts'
import type { TableNames } from '../table-names.ts'
import { changeStatements } from './change-deliveries.ts'
import { leaseStatements } from './lease-endpoints.ts'
import { nextDeliveriesStatement } from './next-deliveries.ts'
import { purgeStatements } from './purge-messages.ts'
import { purgeTenantStatements } from './purge-tenant.ts'
import { readDeliveryStatements } from './read-deliveries.ts'
import { windowStatements } from './read-windows.ts'
import { reconcileStatements } from './reconcile.ts'
import { recordStatements } from './record-attempts.ts'
import { statisticStatements } from './statistics.ts'
import { messageStatements } from './store-messages.ts'

/** The sender's tables on PostgreSQL, which many nodes share. */
export function createPostgresStore(
  db: Kysely<unknown>,
  names: TableNames,
  nodeId: string,
  clock: SharedClock,
) {
  return {
    ...messageStatements(names),
    ...leaseStatements(db, names, nodeId, clock),
    ...nextDeliveriesStatement(db, names, clock),
    ...recordStatements(db, names, clock),
    ...readDeliveryStatements(db, names),
    ...changeStatements(db, names, clock),
    ...windowStatements(db, names),
    ...purgeStatements(db, names),
    ...purgeTenantStatements(db, names),
    ...reconcileStatements(db, names, clock),
    ...statisticStatements(db, names),
    // Times go by the database's clock.
    latestNoted: async () => 0,
    bringTimesBack: async () => {},
  }
}
