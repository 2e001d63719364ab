import type { Clock } from '@x/events-core'
import type { Kysely } from 'kysely'
import type { Dialect } from '../sql/database.ts'
import type { EventStore } from './event-store.ts'
import * as postgresLease from './lease-postgres.ts'
import * as sqliteLease from './lease-sqlite.ts'
import { manageStatements } from './manage-subscriptions.ts'
import { parkStatements } from './park-event.ts'
import * as postgresAppend from './postgres/append-event.ts'
import * as postgresLag from './postgres/measure-lag.ts'
import * as postgresPurge from './postgres/purge-events.ts'
import { tenantStatements } from './purge-tenant.ts'
import { withReadAhead } from './read-ahead.ts'
import * as postgresRead from './read-postgres.ts'
import * as sqliteRead from './read-sqlite.ts'
import { restoreStatements } from './restore-log.ts'
import { positionStatements } from './save-position.ts'
import { shrinkStatements } from './shrink-file.ts'
import * as sqliteAppend from './sqlite/append-event.ts'
import * as sqliteLag from './sqlite/measure-lag.ts'
import * as sqlitePurge from './sqlite/purge-events.ts'
import type { TableNames } from './table-names.ts'

/** The event log of a database, in its dialect. */
export function openEventStore(
  db: Kysely<unknown>,
  dialect: Dialect,
  names: TableNames,
  nodeId: string,
  clock: Clock,
): EventStore {
  const common = {
    ...tenantStatements(db, dialect, names),
    ...manageStatements(db, dialect, names),
    ...positionStatements(db, dialect, names),
    ...parkStatements(db, dialect, names, clock),
  }
  const store: Omit<EventStore, 'forgetRead'> =
    dialect === 'sqlite'
      ? {
          ...common,
          ...sqliteAppend.appendStatements(names),
          ...sqliteRead.readStatements(db, names),
          ...sqliteLag.lagStatements(db, names),
          ...sqliteLease.leaseStatements(db, names, nodeId, clock),
          ...sqlitePurge.purgeStatements(db, names, clock),
          ...shrinkStatements(db),
          // A copied file is the same log, sequence and all.
          adoptRestoredLog: async () => false,
        }
      : {
          ...common,
          ...postgresAppend.appendStatements(names),
          ...postgresRead.readStatements(db, names),
          ...postgresLag.lagStatements(db, names),
          ...postgresLease.leaseStatements(db, names, nodeId),
          ...postgresPurge.purgeStatements(db, names),
          ...restoreStatements(db, names),
          // Its autovacuum gives the space of deleted rows to new ones.
          shrinkFile: async () => false,
        }
  return { ...store, ...withReadAhead(store.readAfter) }
}
