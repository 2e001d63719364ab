import { assertNodeVersion } from './node-version.ts'

assertNodeVersion()

export type { HostTransaction } from './append-in-transaction.ts'
export type {
  CaptureAction,
  CaptureSource,
  CaptureTableOptions,
  ReleaseTableOptions,
} from './capture/capture-options.ts'
export type { TableCapture } from './capture/table-capture.ts'
export { createEventEngine, type EventEngine } from './create-event-engine.ts'
export type { Dialect } from './database.ts'
export type { EventFilter } from './distributor/event-filter.ts'
export type { RetryOptions } from './distributor/retry-policy.ts'
export type {
  BatchContext,
  EventSubscriber,
  IBatchEventSubscriber,
  SubscribeOptions,
} from './distributor/subscription.ts'
export { EventEngineError, type EventEngineErrorCode } from './errors.ts'
export type { FeedItem, FeedOptions } from './feed/feed.ts'
export {
  type ForeignTransaction,
  type ForeignTransactionOptions,
  foreignTransaction,
} from './foreign-transaction.ts'
export { type EventLogMigrationOptions, eventLogMigrations } from './migrations/event-log-migrations.ts'
export type { EventLogMigration } from './migrations/migration.ts'
export type { EngineStats, SubscriptionStats } from './observability/engine-report.ts'
export type { EventEngineOptions, PostgresOptions } from './options.ts'
export type { PurgedEvents } from './purge-tenant.ts'
export type { RetentionOptions } from './retention.ts'
export { type StatementCacheOptions, withStatementCache } from './statement-cache.ts'
export type { SubscriptionState } from './store/event-store.ts'
export type { ParkedEvent, SubscriptionInfo, Subscriptions } from './subscriptions.ts'
export type { SyncManager } from './sync-manager.ts'
export type { Raise, RaisingTransaction } from './transaction.ts'
