import type { Clock } from '@x/events-core'
import type { Kysely } from 'kysely'
import type { Dialect } from '../sql/database.ts'
import { appendStatements } from './append.ts'
import type { EventStore } from './event-store.ts'
import { lagStatements } from './lag.ts'
import * as postgresLease from './lease-postgres.ts'
import * as sqliteLease from './lease-sqlite.ts'
import { manageStatements } from './manage-subscriptions.ts'
import { parkStatements } from './park-event.ts'
import { purgeStatements } from './purge.ts'
import { tenantStatements } from './purge-tenant.ts'
import { withReadAhead } from './read-ahead.ts'
import * as postgresRead from './read-postgres.ts'
import * as sqliteRead from './read-sqlite.ts'
import { restoreStatements } from './restore-log.ts'
import { positionStatements } from './save-position.ts'
import { shrinkStatements } from './shrink-file.ts'
import type { TableNames } from './table-names.ts'

/** What {@link openEventStore} works with. */
export interface EventStoreParts {
  readonly db: Kysely<unknown>
  readonly dialect: Dialect
  readonly names: TableNames
  /** The name under which leases are held. */
  readonly nodeId: string
  readonly clock: Clock
}

/** Opens the event log of a database, in its dialect. */
export function openEventStore({ db, dialect, names, nodeId, clock }: EventStoreParts): EventStore {
  const common = {
    ...appendStatements(dialect, names),
    ...lagStatements(db, dialect, names),
    ...tenantStatements(db, dialect, names),
    ...manageStatements(db, dialect, names),
    ...positionStatements(db, dialect, names),
    ...parkStatements(db, dialect, names, clock),
    ...purgeStatements(db, dialect, names, clock),
  }
  const store: Omit<EventStore, 'forgetRead'> =
    dialect === 'sqlite'
      ? {
          ...common,
          ...sqliteRead.readStatements(db, names),
          ...sqliteLease.leaseStatements(db, names, nodeId, clock),
          ...shrinkStatements(db),
          // A copied file is the same log, sequence and all.
          adoptRestoredLog: async () => false,
        }
      : {
          ...common,
          ...postgresRead.readStatements(db, names),
          ...postgresLease.leaseStatements(db, names, nodeId),
          ...restoreStatements(db, names),
          // Its autovacuum gives the space of deleted rows to new ones.
          shrinkFile: async () => false,
        }
  return { ...store, ...withReadAhead(store.readAfter) }
}
