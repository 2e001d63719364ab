import type { Clock } from '@x/events-core'
import type { Kysely } from 'kysely'
import type { TableNames } from '../table-names.ts'
import { clockStatements } from './bring-times-back.ts'
import { changeStatements } from './change-deliveries.ts'
import { createClockMark } from './clock-mark.ts'
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

/** The sender's tables on SQLite, through the host's one connection. */
export function createSqliteStore(db: Kysely<unknown>, names: TableNames, nodeId: string, clock: Clock) {
  const noteClock = createClockMark(names)
  return {
    ...messageStatements(names, noteClock),
    ...leaseStatements(db, names, nodeId, clock),
    ...nextDeliveriesStatement(db, names, clock),
    ...recordStatements(db, names, clock, noteClock),
    ...readDeliveryStatements(db, names),
    ...changeStatements(db, names, noteClock),
    ...windowStatements(db, names),
    ...purgeStatements(db, names),
    ...purgeTenantStatements(db, names),
    ...reconcileStatements(db, names, clock),
    ...statisticStatements(db, names),
    ...clockStatements(db, names, nodeId),
  }
}
