import { assertNodeVersion } from './node-version.ts'

assertNodeVersion()

export type {
  CaptureAction,
  CaptureSource,
  CaptureTableOptions,
  ReleaseTableOptions,
} from './capture/capture-options.ts'
export type { TableCapture } from './capture/table-capture.ts'
export type { EventFilter } from './distribute/event-filter.ts'
export type {
  BatchContext,
  EventSubscriber,
  IBatchEventSubscriber,
  RetryOptions,
  SubscribeOptions,
} from './distribute/subscription.ts'
export { createEventEngine, type EventEngine } from './engine.ts'
export { EventEngineError, type EventEngineErrorCode } from './errors.ts'
export type { FeedItem, FeedOptions } from './feed/feed.ts'
export type { PurgedEvents } from './maintenance/purge-tenant.ts'
export type { RetentionOptions } from './maintenance/retention.ts'
export { type EventLogMigrationOptions, eventLogMigrations } from './migrations/event-log-migrations.ts'
export type { EventLogMigration } from './migrations/run-migrations.ts'
export type { EngineStats, SubscriptionStats } from './observability/engine-report.ts'
export type { EventEngineOptions, PostgresOptions } from './options.ts'
export type { HostTransaction } from './raise/append.ts'
export {
  type ForeignTransaction,
  type ForeignTransactionOptions,
  foreignTransaction,
} from './raise/foreign-transaction.ts'
export type { SyncManager } from './raise/sync-manager.ts'
export type { Raise, RaisingTransaction } from './raise/transaction.ts'
export type { Dialect } from './sql/database.ts'
export { type StatementCacheOptions, withStatementCache } from './sql/statement-cache.ts'
export type { SubscriptionState } from './store/save-position.ts'
export type { ParkedEvent, SubscriptionInfo, Subscriptions } from './subscriptions.ts'
