import { assertNodeVersion } from './node-version.ts'

assertNodeVersion()

// For packages that build on the engine and keep tables beside its own, as the webhook sender does. Hosts need none of
// it, and it may change with any version.

export type { WatchedDatabase } from './connections/watched-database.ts'
export type {
  AheadEvent,
  AheadHandler,
  AheadHost,
  IAheadSubscriber,
  WrittenAtOnce,
} from './distribute/ahead-subscriber.ts'
export { type EngineInternals, internalsOf } from './internals.ts'
export { isMigrated, type MigrationSet, runMigrations } from './migrations/run-migrations.ts'
export { isDeadNeighbour } from './node-id.ts'
export {
  activeTraceparent,
  detached,
  formatTraceparent,
  parseTraceparent,
  traceparentOf,
} from './observability/tracing.ts'
export type { RaiseCheck } from './raise/sync-manager.ts'
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
export { isInterruption, isRefusal, isUndefinedFunction } from './sql/database-errors.ts'
export type { RecordList, SqlDialect, SqlType, UpdateFrom, Upsert } from './sql/dialect.ts'
export { sqlDialectOf } from './sql/dialects.ts'
export { noteOwnTables } from './sql/own-tables.ts'
export { createRowsStatement } from './sql/rows-statement.ts'
export { withSecureDelete } from './sql/secure-delete.ts'
export { ownTransaction, transact } from './sql/transact.ts'
export { type EventRow, eventColumns, eventOf, selectedColumns, sequenceOf } from './store/event-row.ts'
export type { HandledLog, HandledRange } from './store/handled.ts'
export { type FencePart, FIRST_AFTER_FENCE } from './store/save-position.ts'
export type { LogReader } from './store/search-log.ts'
export { LOGGER_METHODS } from './util/assert.ts'
export { createLifecycle, type Lifecycle } from './util/lifecycle.ts'
export { createPeriodic, type Periodic, type PeriodicOptions } from './util/periodic.ts'
export { isStorable, storableText, textOf, thrownMessage, thrownText } from './util/storable-text.ts'
