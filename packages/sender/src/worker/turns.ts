import type { Clock } from '@x/events-core'
import type { Attempts } from './attempts.ts'
import { createDueTimer } from './due-timer.ts'
import type { GroupCommit } from './group-commit.ts'
import type { InFlight } from './in-flight.ts'
import { canStart, isWilling, type Lane, takeNext } from './lane.ts'

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

/** Nothing begins until it is started. */
export function createTurns({ clock, inFlight, commit, attempts, wanting, wake }: TurnsParts): Turns {
  const ready = new Set<Lane>()
  /** Lanes that have retries only, while all places for those are taken. */
  const waitingToRetry = new Set<Lane>()
  const tokenTimer = createDueTimer(clock, wake)
  let running = false

  function beginOne(lane: Lane, now: number): void {
    if (canStart(lane, now)) {
      const delivery = takeNext(lane, inFlight.hasRoom(true))
      if (!delivery) {
        waitingToRetry.add(lane)
        return
      }
      attempts.begin(lane, delivery)
    }
    // To the end of the line, which the loop will come to as well.
    wanting(lane)
  }

  return {
    offer(lane, now) {
      if (canStart(lane, now)) ready.add(lane)
      else if (lane.rate && isWilling(lane, now)) {
        const next = lane.rate.nextTokenOn(now)
        if (running && next !== undefined && next > now) tokenTimer.expect(next)
      }
    },
    begin() {
      if (!running) return
      if (waitingToRetry.size > 0 && inFlight.hasRoom(true)) {
        for (const lane of waitingToRetry) ready.add(lane)
        waitingToRetry.clear()
      }
      const now = clock.now()
      const monotonicNow = performance.now()
      for (const lane of ready) {
        if (!inFlight.hasRoom(false) || commit.full) return
        ready.delete(lane)
        // Offered again once the lease was extended.
        if (monotonicNow >= lane.leasedUntil) continue
        // One of its secrets has expired: the rest must sign.
        if (now >= (lane.target?.validUntil ?? 0)) lane.target = undefined
        beginOne(lane, now)
      }
    },
    start() {
      running = true
    },
    stop() {
      running = false
      tokenTimer.clear()
      ready.clear()
      waitingToRetry.clear()
    },
  }
}
