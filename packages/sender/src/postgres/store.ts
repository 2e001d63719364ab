import type { Kysely } from 'kysely'
import type { SharedClock } from '../clock.ts'
import type { TableNames } from '../table-names.ts'
import { nextDeliveriesStatement } from './next-deliveries.ts'
import { purgeStatements } from './purge-messages.ts'
import { readDeliveryStatements } from './read-deliveries.ts'
import { recordStatements } from './record-attempts.ts'
import { messageStatements } from './store-messages.ts'

/** The sender's tables on PostgreSQL, which many nodes share. */
export function createPostgresStore(db: Kysely<unknown>, names: TableNames, clock: SharedClock) {
  return {
    ...messageStatements(names),
    ...nextDeliveriesStatement(db, names, clock),
    ...recordStatements(db, names, clock),
    ...readDeliveryStatements(db, names),
    ...purgeStatements(db, names),
  }
}
