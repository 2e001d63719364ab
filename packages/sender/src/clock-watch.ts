import type { Logger } from '@x/events-core'
import type { SharedClock } from './clock.ts'
import type { ClockStore } from './set-back-clock.ts'

/** Notices that the machine's clock was set back, and brings back what waits for a time that lies too far ahead. */
export interface ClockWatch {
  /** @returns whether times were brought back. */
  look(): Promise<boolean>
}

/** What {@link createClockWatch} works with. */
export interface ClockWatchParts {
  readonly store: ClockStore
  readonly clock: SharedClock
  readonly logger: Logger
  readonly leaseMs: number
}

/** A clock is corrected by less than this all the time, which nobody notices. */
const TOLERANCE_MS = 500

/**
 * This process knows by itself how late it has been; what others, or one before it, have gone by is in the
 * database, and looked up now and then.
 */
export function createClockWatch({ store, clock, logger, leaseMs }: ClockWatchParts): ClockWatch {
  let askedAt = Number.NEGATIVE_INFINITY

  async function latest(): Promise<number> {
    if (performance.now() - askedAt < leaseMs / 3) return clock.latest
    const noted = await store.latestNoted()
    askedAt = performance.now()
    return Math.max(noted, clock.latest)
  }

  return {
    async look() {
      const now = clock.now()
      const before = await latest()
      if (before - now <= TOLERANCE_MS) return false
      logger.warn(
        { setBackMs: before - now },
        'The clock was set back; webhooks, pauses and leases that lie ahead are brought back',
      )
      try {
        await store.bringTimesBack({ now, latest: before }, leaseMs)
      } catch (error) {
        // What is due is delivered all the same.
        logger.warn({ err: error }, 'Webhooks that lie ahead could not be brought back; trying again')
        return false
      }
      clock.settle(now)
      return true
    },
  }
}
