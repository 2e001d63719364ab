import {
  createLifecycle,
  internalsOf,
  isMigrated,
  runMigrations,
  sqlDialectOf,
} from '@x/events-engine/internal'
import { type Alerts, createAlerts } from './alerts/alerts.ts'
import { type AuditLog, createAuditLog } from './audit/audit-log.ts'
import { createBulkWork, type Jobs } from './bulk/jobs.ts'
import { sharedClockOf } from './clock.ts'
import { createPermissionCheck } from './deliver/permission.ts'
import { createRetrySchedule } from './deliver/retry-schedule.ts'
import { createWorker } from './deliver/worker.ts'
import { createDeliveries, type Deliveries } from './deliveries/deliveries.ts'
import type { Delivery } from './deliveries/delivery.ts'
import { createDeliveryReasons } from './deliveries/reasons.ts'
import { createSecretCipher } from './endpoints/cipher.ts'
import { createEndpoints, type Endpoints, reencryptSecrets } from './endpoints/endpoints.ts'
import { createEndpointHealth } from './endpoints/health.ts'
import { createOrderingKeyOf } from './endpoints/ordering.ts'
import { createOwnershipChallenge, createOwnershipCheck } from './endpoints/ownership.ts'
import { WebhookSenderError, wrongEncryptionKey } from './errors.ts'
import { createEventCatalog } from './event-types/event-catalog.ts'
import { createEventTypes, type EventTypes } from './event-types/event-types.ts'
import { createContentMatcher } from './fan-out/content-matcher.ts'
import { createFanOut } from './fan-out/fan-out.ts'
import { createFilterTrial } from './fan-out/filter-trial.ts'
import { createStraightPath } from './fan-out/straight-path.ts'
import { subscriptionOptions } from './fan-out/subscription-options.ts'
import { createWebhookSubscriber } from './fan-out/webhook-subscriber.ts'
import { createHttpPools } from './http/pools.ts'
import { createPostOnce } from './http/post-once.ts'
import { createReconciliation } from './maintenance/reconciliation.ts'
import { createRetention } from './maintenance/retention.ts'
import { createTenantPurge, type PurgedTenant } from './maintenance/tenant-purge.ts'
import { acceptedVariants, createMessageMakers } from './messages/compose.ts'
import { createMessageReader } from './messages/message-reader.ts'
import { createMessageWatch } from './messages/message-watch.ts'
import type { Messages } from './messages/messages.ts'
import { createTestMessages } from './messages/test-message.ts'
import { offerQueue } from './observability/metrics.ts'
import { createStatsReader, type SenderStats } from './observability/sender-stats.ts'
import { createOperationalEvents } from './operational-events.ts'
import { resolveWebhookSenderOptions, type WebhookSenderOptions } from './options.ts'
import type { RaisedEvents } from './raised-events/raised-event.ts'
import { createRaisedEvents } from './raised-events/raised-events.ts'
import { createTestSender, type SendTest } from './send-test.ts'
import {
  createStatisticsReader,
  createStatisticsRollup,
  createTenantStatistics,
  type Statistics,
  type TenantStatisticsQuery,
} from './statistics/statistics.ts'
import { webhookMigrations } from './store/schema.ts'
import type { DeliveryStore } from './store/store.ts'
import { openStore } from './store/store.ts'
import { tableNames } from './table-names.ts'
import { createTokens, type Tokens } from './tokens.ts'

/**
 * Sends an engine's events to endpoints. Made by {@link createWebhookSender}.
 *
 * What a call is given must be a plain object with no other names than are described, since one that is misspelt would have no
 * effect, or would open more than was meant: the code is `invalid_argument`, or `invalid_endpoint` for an endpoint.
 */
export interface WebhookSender extends AsyncDisposable, Tokens {
  /** Who gets webhooks, and about what. */
  readonly endpoints: Endpoints
  /** What was sent, what came of it, and what is still to be sent. */
  readonly deliveries: Deliveries
  /** What consumers read, where an endpoint has a sequence. */
  readonly messages: Messages
  /** What the host has raised, and who got it. */
  readonly events: RaisedEvents
  /** What is being done to many deliveries at once. */
  readonly jobs: Jobs
  /** Who has changed what. */
  readonly auditLog: AuditLog
  /** What tenants are told of their endpoints. */
  readonly alerts: Alerts
  /** What consumers can subscribe to. */
  readonly eventTypes: EventTypes

  /**
   * Creates or updates the sender's tables, and the engine's before them. Safe on every start, also of
   * several nodes at once. Events that are raised from then on are covered.
   */
  migrate(): Promise<void>
  /**
   * Begins to turn events into deliveries, and to deliver them. The engine may be started before or
   * after; events are received once both run.
   *
   * @throws WebhookSenderError `not_migrated`, `wrong_encryption_key`
   */
  start(): Promise<void>
  /** Begins no further attempt, lets those under way end, stores what came of them, hands back leases. */
  stop(): Promise<void>
  /**
   * Sends a test to one endpoint, at once: before whatever waits for it, although it is paused or its limits are used up,
   * as `deliveries.resend` does. In no `ordering` does it wait or hold up others. It is of the type `Webhook.Test`, or of
   * one of the catalog with its example, or what its schema describes; in any case with `data.test: true`.
   *
   * @returns the delivery, still pending; `deliveries.get` tells what came of it.
   * @throws WebhookSenderError `endpoint_not_found`, `endpoint_disabled`, `invalid_argument`
   */
  sendTest(endpointId: string, options?: SendTest): Promise<Delivery>
  /**
   * What was attempted over time, of all endpoints of a tenant together, those deleted included.
   *
   * @throws WebhookSenderError `invalid_argument`
   */
  statistics(query: TenantStatisticsQuery): Promise<Statistics>
  /**
   * Deletes everything of a tenant: endpoints, secrets, deliveries, attempts, messages that no other tenant has,
   * statistics, jobs and the audit log, and, as `engine.purgeTenant` does, events of the log and parked ones; in small
   * transactions. It can be called while webhooks are sent, and again when it was interrupted. End what raises
   * events of the tenant, or sends tests to its endpoints, first: what is committed after the call has begun may stay.
   *
   * @throws WebhookSenderError `invalid_endpoint` for what is no tenant's id
   */
  purgeTenant(tenantId: number): Promise<PurgedTenant>
  /**
   * Encrypts every secret with `encryptionKey` that was encrypted with one of `previousEncryptionKeys`. Safe
   * while senders run that know both keys, and to be repeated.
   *
   * @returns how many.
   * @throws WebhookSenderError `wrong_encryption_key`
   */
  reencryptSecrets(): Promise<number>
  /**
   * Waits until every event committed so far has become deliveries, and no delivery is due any more;
   * retries that are due later are not waited for. For tests of hosts. An event that no message can be made
   * of is tried three times before it is parked: with a clock that stands still, advance it meanwhile.
   *
   * @throws WebhookSenderError `not_running`
   */
  drain(): Promise<void>
  stats(): Promise<SenderStats>
}

const SUBSCRIPTION = 'webhooks'
/** What processes publish when they have stored messages that a request may wait for. */
const MESSAGES = 'webhook-messages'
/** What processes publish when they have changed endpoints. */
const CHANGES = 'webhook-endpoints'
const DRAIN_LOOK_MS = 5

/**
 * Creates what sends an engine's events as signed webhooks, from inside of the host.
 *
 * @throws WebhookSenderError `invalid_option`
 * @example
 * ```ts
 * import { createEventEngine, type EventEngineOptions } from '@x/events-engine'
 * import { createWebhookSender } from '@x/sender'
 *
 * async function startWebhooks(db: EventEngineOptions<unknown>['db'], encryptionKey: string) {
 *   const engine = createEventEngine({ db })
 *   const sender = createWebhookSender({ engine, encryptionKey })
 *   await sender.migrate()
 *   await sender.start()
 *   await engine.start()
 *   const { endpoint, secret } = await sender.endpoints.create({
 *     tenantId: 1,
 *     url: 'https://example.com/hook',
 *     eventTypes: ['File.*'],
 *   })
 *   return { engine, sender, endpoint, secret }
 * }
 * ```
 */
export function createWebhookSender<DB>(options: WebhookSenderOptions<DB>): WebhookSender {
  const settings = resolveWebhookSenderOptions(options)
  const { engine } = options
  const { dialect, logger, nodeId } = engine
  const names = tableNames(engine.tablePrefix, engine.schema)
  const internals = internalsOf(engine)
  const { db, patient, unhurried } = internals.database.forLease(settings.leaseMs)
  const sql = sqlDialectOf(dialect)
  const clock = sharedClockOf(engine, db, sql)
  const context = { db, sql, names, nodeId, clock }
  const patientContext = { ...context, db: patient }
  const store = openStore(context)
  const patientStore = openStore(patientContext)
  const migrations = webhookMigrations(dialect, names)
  const cipher = createSecretCipher(settings.encryptionKey, settings.previousEncryptionKeys)
  const catalog = createEventCatalog(settings.payloadVersions.names)
  const schedule = createRetrySchedule(settings.retrySchedule)
  const pools = createHttpPools(settings)
  const rollup = createStatisticsRollup(store, logger)
  const readStatistics = createStatisticsReader(store, clock, rollup.rollUp)
  const targetParts = { ...settings, urlRules: settings, store, cipher, clock, pools }
  const challenge = createOwnershipChallenge(targetParts)
  const testMessageOf = createTestMessages({ ...settings, catalog })
  const contents = createContentMatcher(logger)
  const createMessages = createMessageMakers(engine, { ...settings, contents }, catalog)
  const postOnce = createPostOnce(targetParts)
  const health = createEndpointHealth({ ...settings, store, clock })
  const raiseEvents = createOperationalEvents(engine)
  const alertWork = createAlerts({ ...targetParts, postOnce, logger, health })
  const worker = createWorker({
    ...settings,
    urlRules: settings,
    store,
    cipher,
    pools,
    clock,
    logger,
    schedule,
    async raiseNotices(trx, recorded) {
      await raiseEvents(trx, recorded)
      await alertWork.note(trx, recorded)
    },
    committed(hasNotices) {
      rollup.rollUpSoon()
      if (!hasNotices) return
      internals.lookSoon()
      alertWork.look()
    },
    wakeOthers: () => internals.publish(SUBSCRIPTION),
    announceChange: () => internals.publish(CHANGES),
  })
  const watch = createMessageWatch({
    store: patientStore,
    logger,
    pollMaxMs: settings.pollMaxMs,
    publish: () => internals.publish(MESSAGES),
  })
  /** Something of an endpoint may be due, and there may be something to be read. */
  const due = (endpointKey: number) => {
    worker.due(endpointKey)
    watch.committed([endpointKey])
  }
  let hearNoMore = () => {}

  const reconciliation = createReconciliation({
    store: patientStore,
    logger,
    everyMs: settings.reconcileEveryMs,
    look: worker.lookSoon,
  })
  const retention = createRetention({
    store: patientStore,
    clock,
    logger,
    retentionMs: settings.retentionMs,
    auditLogRetentionMs: settings.auditLogRetentionMs,
    holdEvents: (first) => internals.holdEvents(SUBSCRIPTION, first),
  })

  const createFanOutOn = (on: DeliveryStore) => {
    const messages = createMessages()
    const parts = {
      store: on,
      clock,
      ...messages,
      db,
      firstDelayMs: schedule.firstDelayMs,
      orderingKeyOf: createOrderingKeyOf(settings.orderingKeys),
    }
    return { ...parts, fanOut: createFanOut(parts), stored: worker.stored, numbered: watch.committed }
  }
  const createSubscriber = (on: DeliveryStore) =>
    createWebhookSubscriber<DB>({ ...createFanOutOn(on), handleAhead: undefined })
  const ofLog = createFanOutOn(store)
  const straight = createStraightPath<DB>({
    ...ofLog,
    worker,
    logger,
    counted: rollup.rollUpSoon,
    mayGoStraight: settings.canReceive === undefined,
  })
  // What has to be rendered first takes its time, and is kept as it was rendered.
  const goesStraight = settings.deliver && settings.renderOf === undefined
  const { jobs, runner, ...begin } = createBulkWork<DB>({
    engine,
    subscription: SUBSCRIPTION,
    store: patientStore,
    context: patientContext,
    leaseMs: settings.leaseMs,
    accepts: (endpoint, variant) => acceptedVariants(endpoint, settings.payloadVersions).includes(variant),
    contents,
    createSubscriber,
    changed: due,
  })

  let stopOffering = () => {}

  async function beginWork(): Promise<void> {
    if (settings.deliver) await worker.start()
    rollup.start()
    const endLooks = internals.onMessage(SUBSCRIPTION, worker.lookSoon)
    const endChanges = internals.onMessage(CHANGES, worker.othersChanged)
    const endMessages = internals.onMessage(MESSAGES, watch.look)
    hearNoMore = () => void [endLooks(), endChanges(), endMessages()]
    watch.start()
    runner.start()
    retention.start()
    stopOffering = offerQueue({ store, clock, logger, inFlight: () => worker.inFlight })
    if (settings.deliver) reconciliation.start()
    if (settings.deliver) alertWork.start()
    if (!settings.fanOut) return
    const handleAhead = goesStraight ? straight.handleAhead : undefined
    await engine.subscribe(createWebhookSubscriber<DB>({ ...ofLog, handleAhead }), {
      name: SUBSCRIPTION,
      mode: 'durable',
      ...subscriptionOptions(settings, sql),
    })
  }

  /** @param unsubscribe - ends the subscription, where it has begun. */
  async function endWork(unsubscribe: (() => Promise<void>) | undefined): Promise<void> {
    stopOffering()
    hearNoMore()
    await watch.stop()
    await runner.stop()
    // All at once: no attempt begins while the subscription hands back its lease.
    const unsubscribed = unsubscribe?.()
    await Promise.all([
      settings.deliver ? worker.stop(unsubscribed) : undefined,
      unsubscribed,
      retention.stop(),
      rollup.stop(),
      reconciliation.stop(),
      alertWork.stop(),
    ])
    await pools.destroy()
  }

  const lifecycle = createLifecycle(
    async () => {
      if (!(await isMigrated(db, migrations))) {
        throw new WebhookSenderError(
          'not_migrated',
          `sender.start: the tables ${engine.tablePrefix}webhook_* are missing or older than this version; call sender.migrate() first.`,
        )
      }
      const foreign = await store.findForeignSecret(cipher.keyIds)
      if (foreign !== undefined) throw wrongEncryptionKey(`endpoint ${foreign}`)
      await clock.sync()
      try {
        await beginWork()
      } catch (error) {
        // The subscription of that name may be another sender's.
        await endWork(undefined).catch((err: unknown) =>
          logger.warn({ err }, 'A start that failed could not be undone'),
        )
        throw error
      }
    },
    () => endWork(settings.fanOut ? () => engine.unsubscribe(SUBSCRIPTION) : undefined),
  )

  const isBusy = () => !worker.idle || worker.inFlight > 0 || straight.busy

  async function isDrained(): Promise<boolean> {
    // Asking the database costs more the more there is to do.
    if (isBusy()) return false
    await straight.save()
    if (await internals.hasUnreadEvents(SUBSCRIPTION)) {
      // The engine may not know of them: a transaction of the host's own, a clock that stands still.
      internals.lookSoon()
      return false
    }
    if (settings.deliver) await worker.look()
    const { oldestDueOn } = await store.measureQueue(clock.now(), 1)
    return oldestDueOn === null && !isBusy()
  }

  const rules = { ...settings, catalog }
  const reasons = createDeliveryReasons({ ...settings, store, clock, isInFlight: worker.isInFlight })

  return {
    endpoints: createEndpoints({
      ...settings,
      store,
      cipher,
      clock,
      rules,
      testFilter: createFilterTrial({ rules, log: internals.log, createMessages }),
      ownership: createOwnershipCheck({ store, clock, challenge, changed: worker.changed }),
      health,
      tryOut: { ...targetParts, testMessageOf, postOnce },
      changed: worker.changed,
      statistics: readStatistics,
      rollUp: rollup.rollUp,
    }),
    deliveries: createDeliveries({
      ...settings,
      store,
      reasons,
      due: worker.due,
      cancelled: worker.cancelled,
      ...begin,
    }),
    messages: createMessageReader({
      ...settings,
      store,
      cipher,
      clock,
      watch,
      isAllowed: settings.canReceive && createPermissionCheck(settings.canReceive, { ...settings, logger }),
    }),
    events: createRaisedEvents({
      ...settings,
      store,
      log: internals.log,
      clock,
      rules,
      reasons,
      subscription: SUBSCRIPTION,
      createMessages,
    }),
    jobs,
    auditLog: createAuditLog(store),
    alerts: alertWork.alerts,
    eventTypes: createEventTypes(catalog, settings.payloadVersions.names),
    async migrate() {
      await engine.migrate()
      await runMigrations(unhurried, migrations)
      await internals.reserveSubscription(SUBSCRIPTION)
      // Until retention has found out what is needed.
      await internals.holdEvents(SUBSCRIPTION, 0)
    },
    start: lifecycle.start,
    stop: lifecycle.stop,
    statistics: createTenantStatistics(readStatistics),
    sendTest: createTestSender({ store, clock, testMessageOf, reasons, due }),
    purgeTenant: createTenantPurge({
      engine,
      store: patientStore,
      clock,
      changed: worker.changed,
      rollUp: rollup.rollUp,
    }),
    reencryptSecrets: () => reencryptSecrets(store, cipher),
    ...createTokens(store, clock),
    async drain() {
      for (;;) {
        if (!lifecycle.running) {
          throw new WebhookSenderError(
            'not_running',
            'sender.drain: the sender delivers nothing until sender.start().',
          )
        }
        if (await isDrained()) return
        await new Promise((resolve) => setTimeout(resolve, DRAIN_LOOK_MS))
      }
    },
    stats: createStatsReader({ store, clock, worker, reconciliation }),
    [Symbol.asyncDispose]: lifecycle.stop,
  }
}
