import type { Clock, EntityChangedListener, IServiceScopeFactory, Logger, SyncEvent } from '@x/events-core'
import type { Kysely } from 'kysely'
import { createTableCapture } from './capture/create-table-capture.ts'
import type { TableCapture } from './capture/table-capture.ts'
import { guardConnections } from './connections/guard-connections.ts'
import { watchDatabase } from './connections/watched-database.ts'
import { createEventDistributor } from './distribute/distributor.ts'
import { createLeaseManager } from './distribute/leases.ts'
import {
  type EventSubscriber,
  resolveSubscription,
  type SubscribeOptions,
  type Subscription,
} from './distribute/subscription.ts'
import { createFeed, type FeedItem, type FeedOptions } from './feed/feed.ts'
import { createInternals, type HasInternals, INTERNALS } from './internals.ts'
import { createTenantPurge, type PurgedEvents } from './maintenance/purge-tenant.ts'
import { createRetention } from './maintenance/retention.ts'
import { createLogSchema } from './migrations/log-schema.ts'
import { createNodeId, retireNode } from './node-id.ts'
import { createEngineObserver } from './observability/engine-observer.ts'
import { createEngineReport, type EngineStats } from './observability/engine-report.ts'
import { nodeLogger } from './observability/node-logger.ts'
import { detached } from './observability/tracing.ts'
import { type EventEngineOptions, resolveEventEngineOptions } from './options.ts'
import { createAppendBatcher, createTransactionAppender } from './raise/append.ts'
import { type RaiseCheck, SyncManager } from './raise/sync-manager.ts'
import {
  createTransactionRunner,
  type RaisingTransaction,
  type TransactionRunner,
} from './raise/transaction.ts'
import type { Dialect } from './sql/database.ts'
import { sqlOf } from './sql/dialects.ts'
import { openEventStore } from './store/event-store.ts'
import { createGivenPositions } from './store/given-positions.ts'

import { tableNames } from './store/table-names.ts'
import { createSubscriptions, type Subscriptions } from './subscriptions.ts'
import { createLifecycle } from './util/lifecycle.ts'
import { createPoller, type Poller } from './wake/poller.ts'
import { createPostgresNotifier } from './wake/postgres-notifier.ts'
import { createWakeSignal } from './wake/wake-signal.ts'
import { createWakeTopics } from './wake/wake-topics.ts'

/** The event log of a host and everything that reads it. Made by {@link createEventEngine}. */
export interface EventEngine<DB = unknown> extends AsyncDisposable, TableCapture<DB>, HasInternals {
  /** Raises events, reads what clients have missed, and calls local listeners. */
  readonly syncManager: SyncManager<DB>
  /** Manages durable subscriptions: lists, pauses, resumes, skips and rewinds them. */
  readonly subscriptions: Subscriptions
  /** The host's Kysely instance, as it was given. */
  readonly db: Kysely<DB>
  readonly dialect: Dialect
  readonly clock: Clock
  readonly logger: Logger
  /** Opens service scopes; as it was given. */
  readonly services: IServiceScopeFactory | undefined
  /** The prefix of the table names; packages that build on the engine use the same. */
  readonly tablePrefix: string
  /** PostgreSQL: the schema of the tables; undefined for the first of the search path. */
  readonly schema: string | undefined
  /** The unique name of this engine, under which it holds leases. */
  readonly nodeId: string

  /**
   * Creates or updates the engine's tables. Safe on every start, also of several nodes at once. Hosts
   * that keep migrations of their own may add `eventLogMigrations` to them instead.
   *
   * @throws EventEngineError `schema_too_new`, `read_only_database`, `unsupported_driver`
   */
  migrate(): Promise<void>
  /**
   * Begins to read the log. Subscriptions get every event that is raised after it has resolved.
   *
   * @throws EventEngineError `not_migrated`, `schema_too_new`, `read_only_database`, `unsupported_driver`
   */
  start(): Promise<void>
  /** Waits for calls under way, saves positions and releases leases. Events can still be raised afterwards. */
  stop(): Promise<void>
  /**
   * Adds a subscriber; usually before `start()`.
   *
   * @returns resolves once the subscription is set up: at once before `start()`, and afterwards when
   *   its position is stored, so that it gets every event raised from then on.
   * @throws EventEngineError `invalid_option`, `duplicate_subscription`
   */
  subscribe(subscriber: EventSubscriber<DB>, options: SubscribeOptions): Promise<void>
  /**
   * Iterates over the events of a tenant as they are committed, for server-sent events and the like. A feed resumes at a
   * position. All readers of a node share one query, and a slow reader takes no more memory. A feed ends when the signal
   * is aborted or the engine stops.
   *
   * @throws EventEngineError `invalid_argument`, `invalid_option`, `invalid_position`; while it is read,
   *   `position_expired`, and `invalid_position` for a position of another log
   */
  feed(options: FeedOptions): AsyncIterable<FeedItem>
  /** Removes a subscription from this node; its stored position stays. */
  unsubscribe(name: string): Promise<void>
  /**
   * Deletes all data of a tenant that the engine holds: its events in the log, its parked events, and the texts of their
   * errors. It works in small batches while other tenants raise and deliver, and continues when it is called again after
   * a crash. Positions stay valid: readers go on after the deleted events.
   *
   * Stop raising events of the tenant first: an event that is committed after the call has begun may stay, and a
   * subscriber may still write data of an event that it has received. The feed may give out events that a process has read
   * ahead for 30 seconds more. Tables of the host, and those of packages such as `@x/sender`, whose `purgeTenant` includes
   * this one, are not touched. The files of the database hold deleted data until `VACUUM` (SQLite) or vacuum
   * (PostgreSQL), and backups keep it.
   *
   * @param tenantId - one tenant: events of all tenants leave the log by retention alone.
   * @returns how many events were deleted.
   * @throws EventEngineError `invalid_argument`
   * @example
   * ```ts
   * import type { EventEngine } from '@x/events-engine'
   *
   * async function forgetTenant(engine: EventEngine, tenantId: number) {
   *   const { events, parkedEvents } = await engine.purgeTenant(tenantId)
   *   console.log(`${events} events and ${parkedEvents} parked ones are gone`)
   * }
   * ```
   */
  purgeTenant(tenantId: number): Promise<PurgedEvents>
  /** Counts what this engine has done, and measures how far every durable subscription is behind. */
  stats(): Promise<EngineStats>
  /**
   * Runs a function in a transaction of the host's database, at the database's default isolation level. The events it
   * raises are committed or rolled back with its writes. Subscribers are woken right after the commit.
   *
   * @returns what the function returns.
   * @throws EventEngineError `invalid_argument`; what the function throws, after rolling back.
   */
  transaction<TResult>(work: (transaction: RaisingTransaction<DB>) => Promise<TResult>): Promise<TResult>
}

/**
 * Creates the event log of a host, in the host's own database.
 *
 * @throws EventEngineError `invalid_option`, `unsupported_dialect`
 * @example
 * ```ts
 * import Database from 'better-sqlite3'
 * import { Kysely, SqliteDialect } from 'kysely'
 * import { EntityNames, SyncEventActions } from '@x/events-core'
 * import { createEventEngine } from '@x/events-engine'
 *
 * interface Tables {
 *   page: { pageId: number; name: string }
 * }
 *
 * const db = new Kysely<Tables>({ dialect: new SqliteDialect({ database: new Database(':memory:') }) })
 * const engine = createEventEngine({ db })
 * await engine.migrate()
 * await engine.subscribe(
 *   { entityChanged: (event) => console.log(event.entityName, event.action) },
 *   { name: 'print', mode: 'durable' },
 * )
 * await engine.start()
 *
 * await engine.transaction(async ({ trx, raise }) => {
 *   await trx.updateTable('page').set({ name: 'Home' }).where('pageId', '=', 1).execute()
 *   await raise({ tenantId: 1, siteId: 1 }, EntityNames.Page, 1, SyncEventActions.Update)
 * })
 * ```
 */
export function createEventEngine<DB>(options: EventEngineOptions<DB>): EventEngine<DB> {
  const settings = resolveEventEngineOptions(options)
  const { db, services, clock, leaseMs, stopTimeoutMs } = settings
  const sql = sqlOf(db)
  const names = tableNames(settings.tablePrefix, settings.schema)
  const nodeId = createNodeId()
  const logger = nodeLogger(settings.logger, nodeId)
  const observer = createEngineObserver(clock)
  const watched = watchDatabase({ ...settings, host: db, logger }, leaseMs)
  const storeParts = { sql, names, nodeId, clock }
  const store = openEventStore({ ...storeParts, db: watched.db })
  const positions = createGivenPositions(store)
  const patientStore = openEventStore({ ...storeParts, db: watched.patient })
  const schema = createLogSchema(watched, sql, names)

  const wake = createWakeSignal(clock)
  const control = createWakeSignal(clock)
  const changed = () => {
    control.poke()
    wake.poke()
  }
  for (const pool of [settings.pool, settings.listenPool]) {
    if (pool) guardConnections(pool, settings.databaseTimeoutMs, logger)
  }
  const notifier =
    settings.pool && sql.hasNotify
      ? createPostgresNotifier({
          pool: settings.listenPool,
          db: watched.db,
          channel: `${names.schema ?? ''}${names.prefix}wake`,
          nodeId,
          clock,
          logger,
          onMessage: (topic) => (topic === '' ? poller.look() : topics.received(topic)),
          onListening() {
            poller.look()
            topics.receivedAny()
          },
        })
      : undefined
  if (notifier && settings.listenPool === settings.pool) watched.onStarved(notifier.makeRoom)
  const topics = createWakeTopics((topic) => notifier?.notify(topic))
  const poller: Poller = createPoller({
    store,
    wake,
    settings,
    clock,
    logger,
    onOwnCommit: () => notifier?.notify(),
  })
  const retention =
    settings.retention &&
    createRetention({ store: patientStore, settings: settings.retention, clock, logger })
  const leases = createLeaseManager({ store, leaseMs, logger, changed })
  const distributor = createEventDistributor<DB>({
    db: watched.hosts,
    store,
    positions,
    leases,
    wake,
    lastSeen: () => poller.seen,
    look: () => poller.look(),
    control,
    services,
    clock,
    logger,
    observer,
    leaseMs,
    stopTimeoutMs,
  })

  const expect = () => detached(poller.expect)
  const { context, ...capture } = createTableCapture<DB>({ settings, sql, names, changed: expect })
  const transactions: TransactionRunner<DB> = createTransactionRunner(
    db,
    context,
    () => syncManager,
    // Without raised events, there may still be events of captured tables.
    (hasRaised) => (hasRaised ? detached(poller.committed) : expect()),
  )
  const checks = new Set<RaiseCheck>()
  const local = listenersSubscription<DB>(logger)
  const syncManager = new SyncManager<DB>({
    store,
    clock,
    maxDataBytes: settings.maxDataBytes,
    appendAlone: createAppendBatcher(watched.db, store),
    appendIn: createTransactionAppender({ db, sql, store, names, logId: () => schema.logId }),
    inTransaction: transactions.active,
    checks,
    raised(event, isCommitted) {
      observer.raised(event)
      if (isCommitted) detached(poller.committed)
      // For events raised in engine.transaction, the poller is called after the commit.
      else if (!transactions.active()) expect()
    },
    listeners: local.listeners,
  })

  const subscriptions = createSubscriptions(store, positions, changed)
  const purgeTenant = createTenantPurge({
    db: watched.patient,
    sql,
    // The store that readers use keeps what it has read ahead.
    store: { ...patientStore, forgetRead: store.forgetRead },
    changed,
  })
  const report = createEngineReport(observer, { store, positions, nodeId, clock, logger })
  const feed = createFeed({ store, positions, wake, clock, logger })

  const lifecycle = createLifecycle(
    async () => {
      await schema.assertCurrent()
      feed.start()
      if (await store.adoptRestoredLog()) {
        logger.warn({ nodeId }, 'The event log was restored from a dump; some events may be handled again')
      }
      await detached(distributor.start)
      detached(poller.start)
      report.start()
      if (settings.isPoolOfOne) warnOfPoolOfOne(logger)
      notifier?.start()
      retention?.start()
    },
    async () => {
      await feed.stop()
      report.stop()
      await retention?.stop()
      await notifier?.stop()
      await poller.stop()
      await distributor.stop()
      retireNode(nodeId)
    },
  )
  void distributor.add(local.subscription)

  return {
    syncManager,
    subscriptions,
    stats: report.stats,
    db,
    dialect: sql.name,
    clock,
    logger: settings.logger,
    services,
    tablePrefix: settings.tablePrefix,
    schema: settings.schema,
    nodeId,
    migrate: schema.migrate,
    start: lifecycle.start,
    stop: lifecycle.stop,
    subscribe: async (subscriber, subscribeOptions) =>
      distributor.add(resolveSubscription(subscriber, subscribeOptions)),
    unsubscribe: distributor.remove,
    feed: feed.open,
    purgeTenant,
    transaction: transactions.run,
    ...capture,
    [Symbol.asyncDispose]: lifecycle.stop,
    [INTERNALS]: createInternals({
      database: watched,
      sql,
      names,
      store,
      clock,
      feed: feed.source,
      topics,
      checks,
      lookSoon: expect,
    }),
  }
}

function warnOfPoolOfOne(logger: Logger): void {
  logger.warn(
    {
      component: 'database',
      event: 'listen_unavailable',
      remedy:
        'Raise max of the pool, or give postgres.listen a pool of its own; with false, nothing is listened for.',
    },
    'The pool has one connection, which is needed for work: other nodes are found by polling',
  )
}

/** The listeners of `syncManager.on`, and the broadcast subscription that calls them. */
interface LocalListeners<DB> {
  readonly listeners: Set<EntityChangedListener>
  readonly subscription: Subscription<DB>
}

/** Creates the listeners of an engine. The error of a listener is logged, and the others are called all the same. */
function listenersSubscription<DB>(logger: Logger): LocalListeners<DB> {
  const listeners = new Set<EntityChangedListener>()

  function entityChanged(event: SyncEvent): void {
    for (const listener of [...listeners]) {
      try {
        listener(event)
      } catch (error) {
        logger.error({ err: error, eventId: event.id }, 'A listener of entityChanged failed')
      }
    }
  }

  const options = { name: 'entityChanged-listeners', mode: 'broadcast' } as const
  const subscription = resolveSubscription<DB>({ entityChanged }, options)
  const isIdle = () => listeners.size === 0
  return { listeners, subscription: { ...subscription, isIdle, scoped: false, observed: false } }
}
