import {
  createLifecycle,
  internalsOf,
  isMigrated,
  runMigrations,
  sqlDialectOf,
} from '@x/events-engine/support'
import { createBulkWork } from './bulk/create-bulk-work.ts'
import { sharedClockOf } from './clock.ts'
import { createDeliveries } from './deliveries/deliveries.ts'
import type { DeliveryStore } from './delivery-store.ts'
import { createEndpoints } from './endpoints/endpoints.ts'
import { createLaneOf } from './endpoints/ordering.ts'
import { createOwnershipChallenge } from './endpoints/ownership.ts'
import { reencryptSecrets } from './endpoints/reencrypt-secrets.ts'
import { createSecretBox, wrongEncryptionKey } from './endpoints/secret-box.ts'
import { validateTenantId } from './endpoints/validate.ts'
import { createOwnershipCheck } from './endpoints/verify-ownership.ts'
import { WebhookSenderError } from './errors.ts'
import { createEventCatalog } from './event-types/event-catalog.ts'
import { createEventTypes } from './event-types/event-types.ts'
import { createHttpPools } from './http/pools.ts'
import { createReconciliation } from './maintenance/reconciliation.ts'
import { createRetention } from './maintenance/retention.ts'
import { createTenantPurge } from './maintenance/tenant-purge.ts'
import { acceptedVariants } from './messages/compose.ts'
import { createMessageMakers } from './messages/create-message-makers.ts'
import { webhookMigrations } from './migrations/webhook-migrations.ts'
import { detachedWorker } from './observability/detached-worker.ts'
import { offerQueue } from './observability/queue-gauges.ts'
import { createOperationalEvents, lookingAfterNews } from './operational-events.ts'
import type { WebhookSenderOptions } from './options.ts'
import { createTestSender } from './send-test.ts'
import { resolveWebhookSenderOptions } from './settings.ts'
import { ALL_ENDPOINTS } from './statistics/rollup.ts'
import { createStatisticsReader } from './statistics/statistics.ts'
import { createTallyKeeper } from './statistics/tally-keeper.ts'
import { openStore } from './store/store.ts'
import { subscriptionOptions } from './subscription-options.ts'
import { tableNames } from './table-names.ts'
import type { WebhookSender } from './webhook-sender.ts'
import { createWebhookSubscriber } from './webhook-subscriber.ts'
import { createRetrySchedule } from './worker/retry-schedule.ts'
import { createWorker } from './worker/worker.ts'

const SUBSCRIPTION = 'webhooks'
/** What processes tell each other when they have changed endpoints. */
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
  const clock = sharedClockOf(engine, db)
  const context = { db, sql: sqlDialectOf(dialect), names, nodeId, clock }
  const patientContext = { ...context, db: patient }
  const store = openStore(context)
  const patientStore = openStore(patientContext)
  const migrations = webhookMigrations(dialect, names)
  const box = createSecretBox(settings.encryptionKey, settings.previousEncryptionKeys)
  const catalog = createEventCatalog(settings.payloadVersions.names)
  const schedule = createRetrySchedule(settings.retrySchedule)
  const pools = createHttpPools(settings)
  const tell = createOperationalEvents(engine)
  const tallies = createTallyKeeper(store, logger)
  const recording = lookingAfterNews(tallies.counting(store), internals.lookSoon)
  const readStatistics = createStatisticsReader(store, clock, tallies.fold)
  const challenge = createOwnershipChallenge({ ...settings, urlRules: settings, store, box, clock, pools })
  const createMessages = createMessageMakers(engine, settings, catalog)
  const worker = detachedWorker(
    createWorker({
      ...settings,
      urlRules: settings,
      store: recording,
      box,
      pools,
      clock,
      logger,
      schedule,
      tell,
      wakeOthers: () => internals.publish(SUBSCRIPTION),
      tellOthers: () => internals.publish(CHANGES),
    }),
  )
  let hearNoMore = () => {}

  const reconciliation = createReconciliation({
    store: patientStore,
    logger,
    everyMs: settings.reconcileEveryMs,
    look: worker.lookSoon,
  })
  const retention = createRetention({ store: patientStore, clock, logger, retentionMs: settings.retentionMs })

  const createSubscriber = (on: DeliveryStore) =>
    createWebhookSubscriber<DB>({
      store: on,
      clock,
      ...createMessages(),
      db,
      firstDelayMs: schedule.firstDelayMs,
      laneOf: createLaneOf(settings.orderingKeys),
      stored: worker.stored,
    })
  const { jobs, begin, runner } = createBulkWork<DB>({
    engine,
    subscription: SUBSCRIPTION,
    store: patientStore,
    context: patientContext,
    leaseMs: settings.leaseMs,
    accepts: (endpoint, variant) => acceptedVariants(endpoint, settings.payloadVersions).includes(variant),
    createSubscriber,
    changed: worker.due,
  })

  let stopOffering = () => {}

  const lifecycle = createLifecycle(
    async () => {
      if (!(await isMigrated(db, migrations))) {
        throw new WebhookSenderError(
          'not_migrated',
          `sender.start: the tables ${engine.tablePrefix}webhook_* are missing or older than this version; call sender.migrate() first.`,
        )
      }
      const foreign = await store.findForeignSecret(box.keyIds)
      if (foreign !== undefined) throw wrongEncryptionKey(`endpoint ${foreign}`)
      await clock.sync()
      if (settings.deliver) await worker.start()
      tallies.start()
      const endLooks = internals.onMessage(SUBSCRIPTION, worker.lookSoon)
      const endChanges = internals.onMessage(CHANGES, worker.othersChanged)
      hearNoMore = () => void [endLooks(), endChanges()]
      runner.start()
      retention.start()
      stopOffering = offerQueue({ store, clock, logger, inFlight: () => worker.inFlight })
      if (settings.deliver) reconciliation.start()
      if (!settings.fanOut) return
      await engine.subscribe(createSubscriber(store), {
        name: SUBSCRIPTION,
        mode: 'durable',
        ...subscriptionOptions(settings, dialect),
      })
    },
    async () => {
      stopOffering()
      hearNoMore()
      await runner.stop()
      // All at once: no attempt begins while the subscription hands back its lease.
      await Promise.all([
        settings.deliver ? worker.stop() : undefined,
        settings.fanOut ? engine.unsubscribe(SUBSCRIPTION) : undefined,
        retention.stop(),
        tallies.stop(),
        reconciliation.stop(),
      ])
      await pools.destroy()
    },
  )

  const isBusy = () => !worker.idle || worker.inFlight > 0

  async function isDrained(): Promise<boolean> {
    // Asking the database costs more the more there is to do.
    if (isBusy()) return false
    if (await internals.hasUnreadEvents(SUBSCRIPTION)) {
      // Nobody may have told the engine of them: a transaction of the host's own, a clock that stands still.
      internals.lookSoon()
      return false
    }
    if (settings.deliver) await worker.look()
    const { oldestDueOn } = await store.measureQueue(clock.now(), 1)
    return oldestDueOn === null && !isBusy()
  }

  return {
    endpoints: createEndpoints({
      store,
      box,
      clock,
      rules: { ...settings, catalog },
      maxEndpointsPerTenant: settings.maxEndpointsPerTenant,
      verifyOwnership: settings.verifyOwnership,
      ownership: createOwnershipCheck({ store, clock, challenge, changed: worker.changed }),
      changed: worker.changed,
      statistics: readStatistics,
    }),
    deliveries: createDeliveries({
      store,
      clock,
      userAgent: settings.userAgent,
      due: worker.due,
      cancelled: worker.cancelled,
      begin,
    }),
    jobs,
    eventTypes: createEventTypes(catalog, settings.payloadVersions.names),
    async migrate() {
      await engine.migrate()
      await runMigrations(unhurried, migrations)
      await internals.reserveSubscription(SUBSCRIPTION)
    },
    start: lifecycle.start,
    stop: lifecycle.stop,
    statistics: ({ tenantId, ...query }) => readStatistics(validateTenantId(tenantId), ALL_ENDPOINTS, query),
    sendTest: createTestSender({ ...settings, store, clock, due: worker.due }),
    purgeTenant: createTenantPurge({
      engine,
      store: patientStore,
      clock,
      changed: worker.changed,
      fold: tallies.fold,
    }),
    reencryptSecrets: () => reencryptSecrets(store, box),
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
    async stats() {
      const now = clock.now()
      const { enabled, disabled, pending, exhausted, oldestDueOn } = await store.counts(now)
      return {
        endpoints: { enabled, disabled },
        deliveries: { pending, exhausted },
        inFlight: worker.inFlight,
        oldestDueAgeMs: oldestDueOn === null ? 0 : now - oldestDueOn,
        reconciliation: { ...reconciliation.counts },
        sinceStart: { ...worker.counts },
      }
    },
    [Symbol.asyncDispose]: lifecycle.stop,
  }
}
