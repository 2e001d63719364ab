import type { Clock } from '@x/events-core'
import type { Kysely } from 'kysely'
import type { TableNames } from '../table-names.ts'
import { clockStatements } from './bring-times-back.ts'
import { changeStatements } from './change-deliveries.ts'
import { createClockMark } from './clock-mark.ts'
import { nextDeliveriesStatement } from './next-deliveries.ts'
import { purgeStatements } from './purge-messages.ts'
import { readDeliveryStatements } from './read-deliveries.ts'
import { reconcileStatements } from './reconcile.ts'
import { recordStatements } from './record-attempts.ts'
import { messageStatements } from './store-messages.ts'

/** The sender's tables on SQLite, through the host's one connection. */
export function createSqliteStore(db: Kysely<unknown>, names: TableNames, nodeId: string, clock: Clock) {
  const noteClock = createClockMark(names)
  return {
    ...messageStatements(names, noteClock),
    ...nextDeliveriesStatement(db, names, clock),
    ...recordStatements(db, names, clock, noteClock),
    ...readDeliveryStatements(db, names),
    ...changeStatements(db, names, noteClock),
    ...purgeStatements(db, names),
    ...reconcileStatements(db, names, clock),
    ...clockStatements(db, names, nodeId),
  }
}
