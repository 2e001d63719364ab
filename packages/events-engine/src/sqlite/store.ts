import type { Clock } from '@x/events-core'
import type { Kysely } from 'kysely'
import type { EventStore } from '../event-store.ts'
import type { TableNames } from '../table-names.ts'
import { appendStatements } from './append-event.ts'
import { leaseStatements } from './lease-subscription.ts'
import { manageStatements } from './manage-subscriptions.ts'
import { parkStatements } from './park-event.ts'
import { readStatements } from './read-events.ts'
import { positionStatements } from './save-position.ts'

/** The event log in a SQLite file. */
export function createSqliteStore(
  db: Kysely<unknown>,
  names: TableNames,
  nodeId: string,
  clock: Clock,
): EventStore {
  return {
    ...appendStatements(names),
    ...readStatements(db, names),
    ...manageStatements(db, names),
    ...leaseStatements(db, names, nodeId, clock),
    ...positionStatements(db, names),
    ...parkStatements(db, names, clock),
  }
}
