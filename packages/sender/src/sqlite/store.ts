import type { Clock } from '@x/events-core'
import { sqlDialectOf } from '@x/events-engine/internal'
import type { Kysely } from 'kysely'
import { createClockMark } from '../store/clock.ts'
import type { TableNames } from '../table-names.ts'
import { nextDeliveriesStatement } from './next-deliveries.ts'
import { purgeStatements } from './purge-messages.ts'
import { readDeliveryStatements } from './read-deliveries.ts'
import { recordStatements } from './record-attempts.ts'
import { messageStatements } from './store-messages.ts'

/** The sender's tables on SQLite, through the host's one connection. */
export function createSqliteStore(db: Kysely<unknown>, names: TableNames, clock: Clock) {
  const noteClock = createClockMark({ sql: sqlDialectOf('sqlite'), names })
  return {
    ...messageStatements(names, noteClock),
    ...nextDeliveriesStatement(db, names, clock),
    ...recordStatements(db, names, clock, noteClock),
    ...readDeliveryStatements(db, names),
    ...purgeStatements(db, names),
  }
}
