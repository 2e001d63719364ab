import type { Clock, Logger } from '@x/events-core'
import { createPeriodic } from '@x/events-engine/internal'
import type { DueDelivery } from '../deliveries/due-delivery.ts'
import type { Attempts } from './attempt.ts'
import type { AttemptKind, LeasedEndpoint } from './leased-endpoint.ts'
import type { Prefetch } from './prefetch.ts'
import type { ResultWriter } from './result-writer.ts'
import type { Slots } from './slots.ts'

/** Decides which delivery is attempted next: tenants take turns, and the endpoints of each tenant in its own. */
export interface Scheduler {
  /**
   * Something has changed for these endpoints: has them read on where they have room, and begins every attempt that may
   * begin, of other endpoints, too.
   */
  attend(endpoints: Iterable<LeasedEndpoint>): void
  start(): void
  stop(): void
}

/** What {@link createScheduler} needs. */
export interface SchedulerParts {
  readonly clock: Clock
  readonly logger: Logger
  readonly slots: Slots
  readonly prefetch: Prefetch
  readonly attempts: Attempts
  readonly writer: ResultWriter
  /** Called when an endpoint may have got a token of its rate limit. */
  wake(): void
}

/** Creates a scheduler. Nothing begins until it is started. */
export function createScheduler(parts: SchedulerParts): Scheduler {
  const { clock, logger, slots, prefetch, attempts, writer } = parts
  /** By tenant; the tenant and the endpoint whose turn is next come first. */
  const ready = new Map<number, Set<LeasedEndpoint>>()
  /** Endpoints that may begin what people have asked for. */
  const asked = new Set<LeasedEndpoint>()
  /** Endpoints that have only retries, while there is no slot for those. */
  const waitingToRetry = new Set<LeasedEndpoint>()
  const timer = {
    run: async () => parts.wake(),
    failed: (error: unknown) =>
      logger.error({ err: error }, 'Attempts that waited for a token could not begin'),
    firstAfterMs: Number.POSITIVE_INFINITY,
    everyMs: Number.POSITIVE_INFINITY,
  }
  const nextToken = createPeriodic({ ...timer, clock })
  // What people may ask for depends on this machine and the consumer, whatever the engine's clock says.
  const nextExtra = createPeriodic(timer)
  let running = false

  /** Queues an endpoint for its turn if it can begin something, and waits for a token if only that is missing. */
  function offer(endpoint: LeasedEndpoint, now: number): void {
    if (endpoint.needsMore(now)) prefetch.feed(endpoint)
    if (endpoint.canStartExtra) asked.add(endpoint)
    else if (endpoint.buffer.hasManual) waitFor(nextExtra, endpoint.nextExtraInMs)
    if (endpoint.canStart(now)) queue(endpoint)
    else {
      const next = endpoint.nextTokenOn(now)
      waitFor(nextToken, next === undefined ? undefined : next - now)
    }
  }

  function waitFor(token: typeof nextToken, inMs: number | undefined): void {
    if (inMs !== undefined && inMs > 0) token.within(inMs)
  }

  function queue(endpoint: LeasedEndpoint): void {
    const ofTenant = ready.get(endpoint.tenantId)
    if (ofTenant) ofTenant.add(endpoint)
    else ready.set(endpoint.tenantId, new Set([endpoint]))
  }

  function begin(): void {
    if (!running) return
    for (const endpoint of waitingToRetry) {
      if (!slots.hasRoom(endpoint.tenantId, 'retry')) continue
      waitingToRetry.delete(endpoint)
      queue(endpoint)
    }
    const now = clock.now()
    beginAsked(now)
    // A tenant goes to the end of the line with each attempt, where the loop meets it again. One without room keeps its
    // place: attempts that begin only make less of it.
    for (const [tenantId, endpoints] of ready) {
      if (slots.full || writer.full) return
      if (!slots.hasRoom(tenantId, 'first')) continue
      ready.delete(tenantId)
      const [endpoint] = endpoints
      if (!endpoint) continue
      endpoints.delete(endpoint)
      if (endpoints.size > 0) ready.set(tenantId, endpoints)
      if (endpoint.mayBegin(now)) beginOne(endpoint, now)
    }
  }

  function beginOne(endpoint: LeasedEndpoint, now: number): void {
    if (endpoint.canStart(now)) {
      const delivery = endpoint.buffer.next(slots.hasRoom(endpoint.tenantId, 'retry'))
      if (!delivery) {
        waitingToRetry.add(endpoint)
        return
      }
      attempts.begin(endpoint, delivery, delivery.attemptCount > 0 && !delivery.manual ? 'retry' : 'first')
    }
    offer(endpoint, now)
  }

  function beginAsked(now: number): void {
    for (const endpoint of asked) {
      if (writer.full) return
      if (endpoint.mayBegin(now)) {
        for (let kind = kindOfAsked(endpoint, now); kind; kind = kindOfAsked(endpoint, now)) {
          attempts.begin(endpoint, endpoint.buffer.nextManual() as DueDelivery, kind)
        }
      }
      // Without a slot it stays, until an attempt ends.
      if (endpoint.canStartExtra) continue
      asked.delete(endpoint)
      offer(endpoint, now)
    }
  }

  /** What a person has asked for goes out in its turn where nothing else is due, else beyond the endpoint's limits. */
  function kindOfAsked(endpoint: LeasedEndpoint, now: number): AttemptKind | undefined {
    if (!endpoint.buffer.hasManual) return undefined
    const isAlone = endpoint.buffer.hasManualOnly && endpoint.canStart(now)
    if (isAlone && slots.hasRoom(endpoint.tenantId, 'first')) return 'first'
    return endpoint.canStartExtra && slots.hasRoom(endpoint.tenantId, 'extra') ? 'extra' : undefined
  }

  return {
    attend(endpoints) {
      const now = clock.now()
      for (const endpoint of endpoints) offer(endpoint, now)
      begin()
    },
    start() {
      running = true
      nextToken.start()
      nextExtra.start()
    },
    stop() {
      running = false
      void nextToken.stop()
      void nextExtra.stop()
      ready.clear()
      asked.clear()
      waitingToRetry.clear()
    },
  }
}
