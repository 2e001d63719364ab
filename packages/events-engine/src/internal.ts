import { assertNodeVersion } from './node-version.ts'

assertNodeVersion()

export { type WatchedDatabase, watchedDatabaseOf } from './connections/watched-database.ts'
export { createHandledLog, type HandledLog, type HandledRange } from './handled-events.ts'
export { isMigrated, type MigrationSet, runMigrations } from './migrations/run-migrations.ts'
export { isDeadNeighbour } from './node-id.ts'
export {
  activeTraceparent,
  detached,
  formatTraceparent,
  parseTraceparent,
  traceparentOf,
} from './observability/trace-context.ts'
export { checkRaises, type RaiseCheck } from './raise-checks.ts'
/**
 * For packages that keep tables of their own beside the engine's, as the webhook sender does. Hosts
 * need none of it.
 */
export {
  bigInteger,
  type Column,
  flag,
  integer,
  json,
  nullable,
  type RowOf,
  real,
  text,
  word,
} from './sql/columns.ts'
export {
  countChanges,
  type Dialect,
  findsRow,
  type Parameter,
  readRows,
  runStatement,
  type SqlExecutor,
  type Statement,
} from './sql/database.ts'
export { isInterruption, isRefusal } from './sql/database-errors.ts'
export {
  type RecordList,
  type SqlDialect,
  type SqlType,
  sqlDialectOf,
  type UpdateFrom,
  type Upsert,
} from './sql/dialect.ts'
export { withSecureDelete } from './sql/secure-delete.ts'
export { createRowsStatement } from './sql/sqlite-rows.ts'
export { ownTransaction, transact } from './sql/transact.ts'
export { hasUnreadEvents, reserveSubscription } from './subscription-support.ts'
export { createLifecycle, type Lifecycle } from './util/lifecycle.ts'
export { createPeriodic, type Periodic, type PeriodicOptions } from './util/periodic.ts'
export { isStorable, storableText, textOf, thrownMessage, thrownText } from './util/storable-text.ts'
export { lookSoon } from './wake/look-soon.ts'
export { onWakeByOthers, wakeOthers } from './wake/wake-topics.ts'
