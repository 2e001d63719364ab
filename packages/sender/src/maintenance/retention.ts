import type { Clock, Logger } from '@x/events-core'
import type { DeliveryStore } from '../delivery-store.ts'

/** Deletes what is old, now and then. */
export interface Retention {
  start(): void
  stop(): Promise<void>
}

/** What {@link createRetention} works with. */
export interface RetentionParts {
  readonly store: DeliveryStore
  readonly clock: Clock
  readonly logger: Logger
  readonly retentionMs: number
}

const FIRST_AFTER_MS = 60 * 1_000
const EVERY_MS = 60 * 60 * 1_000
const AT_ONCE = 500
const MINUTES_KEPT_MS = 24 * 60 * 60 * 1_000
const BEFORE_ALL = { tenantId: Number.MIN_SAFE_INTEGER, endpointKey: 0 }

const startOfHour = (time: number) => Math.floor(time / EVERY_MS) * EVERY_MS

/** Works in small transactions, with a pause for others after each. */
export function createRetention({ store, clock, logger, retentionMs }: RetentionParts): Retention {
  let running = false
  let cancel = () => {}
  let purging: Promise<void> = Promise.resolve()

  async function purge(): Promise<void> {
    try {
      let after: number | undefined = 0
      while (running && after !== undefined) {
        after = await store.purge(clock.now() - retentionMs, after, AT_ONCE)
        await new Promise(setImmediate)
      }
      await tidyStatistics()
    } catch (error) {
      logger.warn({ err: error }, 'Old deliveries could not be deleted; trying again in an hour')
    }
  }

  async function tidyStatistics(): Promise<void> {
    const now = clock.now()
    const ages = {
      now,
      hoursBefore: startOfHour(now - MINUTES_KEPT_MS),
      dropBefore: startOfHour(now - retentionMs),
    }
    let owner = await store.nextStatistics(BEFORE_ALL)
    while (running && owner) {
      await store.tidyStatistics(owner, ages)
      await new Promise(setImmediate)
      owner = await store.nextStatistics(owner)
    }
  }

  function arm(delayMs: number): void {
    cancel = clock.schedule(() => {
      purging = purge()
      arm(EVERY_MS)
    }, delayMs)
  }

  return {
    start() {
      running = true
      arm(FIRST_AFTER_MS)
    },
    async stop() {
      running = false
      cancel()
      await purging
    },
  }
}
