import { type Clock, systemClock } from '@x/events-core'
import type { DueDelivery } from '../deliveries/due-delivery.ts'
import type { Attempts } from './attempt.ts'
import { createDueTimer, type DueTimer } from './due-timer.ts'
import type { AttemptKind, InFlight } from './in-flight.ts'
import { canStart, canStartExtra, isWilling, type LeasedEndpoint, takeNext } from './leased-endpoint.ts'
import type { RateLimiter } from './rate-limiter.ts'
import type { ResultWriter } from './result-writer.ts'

/** Gives the endpoints that can begin an attempt their turn, one after the other. */
export interface Scheduler {
  /** Lets a endpoint wait for its turn if it can begin something, or for a token if only that is missing. */
  offer(endpoint: LeasedEndpoint, now: number): void
  /** Begins as much as there is room for. */
  begin(): void
  start(): void
  stop(): void
}

/** What {@link createScheduler} works with. */
export interface SchedulerParts {
  readonly clock: Clock
  readonly inFlight: InFlight
  readonly writer: ResultWriter
  readonly attempts: Attempts
  /** Called for a endpoint that may want to read on, and is to be offered again. */
  wanting(endpoint: LeasedEndpoint): void
  /** Called when a endpoint may have got a token. */
  wake(): void
}

/** How much people may ask for has to do with this machine and the consumer, not with the time that a test lives in. */
const MONOTONIC: Clock = {
  now: () => performance.now(),
  schedule: (callback, delayMs) => systemClock.schedule(callback, delayMs),
}

/** Nothing begins until it is started. */
export function createScheduler({
  clock,
  inFlight,
  writer,
  attempts,
  wanting,
  wake,
}: SchedulerParts): Scheduler {
  /** By tenant, whose scheduler go round; each tenant's endpoints take scheduler in its own. */
  const ready = new Map<number, Set<LeasedEndpoint>>()
  /** Lanes that have something which people have asked for. */
  const asked = new Set<LeasedEndpoint>()
  /** Lanes that have retries only, while there is no slot for those. */
  const waitingToRetry = new Set<LeasedEndpoint>()
  const tokenTimer = createDueTimer(clock, wake)
  const extraTimer = createDueTimer(MONOTONIC, wake)
  let running = false

  function expectToken(timer: DueTimer, limiter: RateLimiter | undefined, now: number): void {
    const next = limiter?.nextTokenOn(now)
    if (running && next !== undefined && next > now) timer.expect(next)
  }

  function getReady(endpoint: LeasedEndpoint): void {
    const ofTenant = ready.get(endpoint.tenantId)
    if (ofTenant) ofTenant.add(endpoint)
    else ready.set(endpoint.tenantId, new Set([endpoint]))
  }

  function beginOne(endpoint: LeasedEndpoint, now: number): void {
    if (canStart(endpoint, now)) {
      const delivery = takeNext(endpoint, inFlight.hasRoom(endpoint.tenantId, 'retry'))
      if (!delivery) {
        waitingToRetry.add(endpoint)
        return
      }
      attempts.begin(endpoint, delivery, delivery.attemptCount > 0 && !delivery.manual ? 'retry' : 'first')
    }
    // To the end of the line, which the loop will come to as well.
    wanting(endpoint)
  }

  /** Offered again once the lease was extended. */
  function mayBegin(endpoint: LeasedEndpoint, now: number): boolean {
    if (performance.now() >= endpoint.leasedUntil) return false
    // One of its secrets has expired: the rest must sign.
    if (now >= (endpoint.target?.validUntil ?? 0)) endpoint.target = undefined
    return true
  }

  /** How what a person has asked for goes out: in its turn where nothing else is due, else beyond the endpoint's limits. */
  function kindOfAsked(endpoint: LeasedEndpoint, now: number): AttemptKind | undefined {
    const isAlone = endpoint.first.length + endpoint.retries.length === 0
    if (isAlone && canStart(endpoint, now) && inFlight.hasRoom(endpoint.tenantId, 'first')) return 'first'
    return canStartExtra(endpoint) && inFlight.hasRoom(endpoint.tenantId, 'extra') ? 'extra' : undefined
  }

  function beginAsked(now: number): void {
    for (const endpoint of asked) {
      if (writer.full) return
      if (mayBegin(endpoint, now)) {
        for (
          let kind = kindOfAsked(endpoint, now);
          kind && endpoint.manual.length > 0;
          kind = kindOfAsked(endpoint, now)
        ) {
          attempts.begin(endpoint, endpoint.manual.shift() as DueDelivery, kind)
        }
      }
      // Without room it stays, until something ends.
      if (canStartExtra(endpoint)) continue
      asked.delete(endpoint)
      wanting(endpoint)
    }
  }

  return {
    offer(endpoint, now) {
      if (endpoint.manual.length > 0) {
        if (canStartExtra(endpoint)) asked.add(endpoint)
        else expectToken(extraTimer, endpoint.extras, performance.now())
      }
      if (canStart(endpoint, now)) getReady(endpoint)
      else if (isWilling(endpoint, now)) expectToken(tokenTimer, endpoint.rate, now)
    },
    begin() {
      if (!running) return
      for (const endpoint of waitingToRetry) {
        if (!inFlight.hasRoom(endpoint.tenantId, 'retry')) continue
        waitingToRetry.delete(endpoint)
        getReady(endpoint)
      }
      const now = clock.now()
      beginAsked(now)
      let passed = 0
      // Goes round until nobody who is ready has room.
      for (const [tenantId, endpoints] of ready) {
        if (inFlight.isFull || writer.full || passed >= ready.size) return
        ready.delete(tenantId)
        const [endpoint] = inFlight.hasRoom(tenantId, 'first') ? endpoints : []
        if (endpoint) endpoints.delete(endpoint)
        if (endpoints.size > 0) ready.set(tenantId, endpoints)
        passed = endpoint ? 0 : passed + 1
        if (endpoint && mayBegin(endpoint, now)) beginOne(endpoint, now)
      }
    },
    start() {
      running = true
    },
    stop() {
      running = false
      tokenTimer.clear()
      extraTimer.clear()
      ready.clear()
      asked.clear()
      waitingToRetry.clear()
    },
  }
}
