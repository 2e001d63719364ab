import { type Clock, systemClock } from '@x/events-core'
import type { DueDelivery } from '../deliveries/due-delivery.ts'
import type { Attempts } from './attempts.ts'
import { createDueTimer, type DueTimer } from './due-timer.ts'
import type { GroupCommit } from './group-commit.ts'
import type { AttemptKind, InFlight } from './in-flight.ts'
import { canStart, canStartExtra, isWilling, type Lane, takeNext } from './lane.ts'
import type { RateLimiter } from './rate-limiter.ts'

/** Gives the lanes that can begin an attempt their turn, one after the other. */
export interface Turns {
  /** Lets a lane wait for its turn if it can begin something, or for a token if only that is missing. */
  offer(lane: Lane, now: number): void
  /** Begins as much as there is room for. */
  begin(): void
  start(): void
  stop(): void
}

/** What {@link createTurns} works with. */
export interface TurnsParts {
  readonly clock: Clock
  readonly inFlight: InFlight
  readonly commit: GroupCommit
  readonly attempts: Attempts
  /** Called for a lane that may want to read on, and is to be offered again. */
  wanting(lane: Lane): void
  /** Called when a lane may have got a token. */
  wake(): void
}

/** How much people may ask for has to do with this machine and the consumer, not with the time that a test lives in. */
const MONOTONIC: Clock = {
  now: () => performance.now(),
  schedule: (callback, delayMs) => systemClock.schedule(callback, delayMs),
}

/** Nothing begins until it is started. */
export function createTurns({ clock, inFlight, commit, attempts, wanting, wake }: TurnsParts): Turns {
  /** By tenant, whose turns go round; each tenant's endpoints take turns in its own. */
  const ready = new Map<number, Set<Lane>>()
  /** Lanes that have something which people have asked for. */
  const asked = new Set<Lane>()
  /** Lanes that have retries only, while there is no slot for those. */
  const waitingToRetry = new Set<Lane>()
  const tokenTimer = createDueTimer(clock, wake)
  const extraTimer = createDueTimer(MONOTONIC, wake)
  let running = false

  function expectToken(timer: DueTimer, limiter: RateLimiter | undefined, now: number): void {
    const next = limiter?.nextTokenOn(now)
    if (running && next !== undefined && next > now) timer.expect(next)
  }

  function getReady(lane: Lane): void {
    const ofTenant = ready.get(lane.tenantId)
    if (ofTenant) ofTenant.add(lane)
    else ready.set(lane.tenantId, new Set([lane]))
  }

  function beginOne(lane: Lane, now: number): void {
    if (canStart(lane, now)) {
      const delivery = takeNext(lane, inFlight.hasRoom(lane.tenantId, 'retry'))
      if (!delivery) {
        waitingToRetry.add(lane)
        return
      }
      attempts.begin(lane, delivery, delivery.attemptCount > 0 && !delivery.manual ? 'retry' : 'first')
    }
    // To the end of the line, which the loop will come to as well.
    wanting(lane)
  }

  /** Offered again once the lease was extended. */
  function mayBegin(lane: Lane, now: number): boolean {
    if (performance.now() >= lane.leasedUntil) return false
    // One of its secrets has expired: the rest must sign.
    if (now >= (lane.target?.validUntil ?? 0)) lane.target = undefined
    return true
  }

  /** How what a person has asked for goes out: in its turn where nothing else is due, else beyond the endpoint's limits. */
  function kindOfAsked(lane: Lane, now: number): AttemptKind | undefined {
    const isAlone = lane.first.length + lane.retries.length === 0
    if (isAlone && canStart(lane, now) && inFlight.hasRoom(lane.tenantId, 'first')) return 'first'
    return canStartExtra(lane) && inFlight.hasRoom(lane.tenantId, 'extra') ? 'extra' : undefined
  }

  function beginAsked(now: number): void {
    for (const lane of asked) {
      if (commit.full) return
      if (mayBegin(lane, now)) {
        for (
          let kind = kindOfAsked(lane, now);
          kind && lane.manual.length > 0;
          kind = kindOfAsked(lane, now)
        ) {
          attempts.begin(lane, lane.manual.shift() as DueDelivery, kind)
        }
      }
      // Without room it stays, until something ends.
      if (canStartExtra(lane)) continue
      asked.delete(lane)
      wanting(lane)
    }
  }

  return {
    offer(lane, now) {
      if (lane.manual.length > 0) {
        if (canStartExtra(lane)) asked.add(lane)
        else expectToken(extraTimer, lane.extras, performance.now())
      }
      if (canStart(lane, now)) getReady(lane)
      else if (isWilling(lane, now)) expectToken(tokenTimer, lane.rate, now)
    },
    begin() {
      if (!running) return
      for (const lane of waitingToRetry) {
        if (!inFlight.hasRoom(lane.tenantId, 'retry')) continue
        waitingToRetry.delete(lane)
        getReady(lane)
      }
      const now = clock.now()
      beginAsked(now)
      let passed = 0
      // Goes round until nobody who is ready has room.
      for (const [tenantId, lanes] of ready) {
        if (inFlight.isFull || commit.full || passed >= ready.size) return
        ready.delete(tenantId)
        const [lane] = inFlight.hasRoom(tenantId, 'first') ? lanes : []
        if (lane) lanes.delete(lane)
        if (lanes.size > 0) ready.set(tenantId, lanes)
        passed = lane ? 0 : passed + 1
        if (lane && mayBegin(lane, now)) beginOne(lane, now)
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
