import { type Clock, type Logger, steadyClock } from '@x/events-core'
import type { EventStore } from '../store/event-store.ts'
import { createPeriodic, type Periodic } from '../util/periodic.ts'

/** How long the log keeps events. */
export interface RetentionOptions {
  /**
   * Milliseconds for which every event is kept; longer where a durable subscription has not passed it.
   * At most 36,500 days.
   * @defaultValue 604800000 (7 days)
   */
  readonly keepMs?: number | undefined
  /**
   * Milliseconds after which a durable subscription that no node runs is abandoned: the log keeps no events for it any
   * more. A warning is logged from a tenth of this time on. At most 36,500 days.
   * @defaultValue 2592000000 (30 days)
   */
  readonly abandonedAfterMs?: number | undefined
  /**
   * Milliseconds between two clean-ups.
   * @defaultValue 60000
   */
  readonly intervalMs?: number | undefined
}

/** The options with every default in place. */
export interface RetentionSettings {
  readonly keepMs: number
  readonly abandonedAfterMs: number
  readonly intervalMs: number
}

/** What {@link createRetention} works with. */
export interface RetentionParts {
  readonly store: EventStore
  readonly settings: RetentionSettings
  readonly clock: Clock
  readonly logger: Logger
}

const BATCH_SIZE = 500
/** Between two batches, so that others get their turn: on SQLite they share the one connection. */
const PAUSE_MS = 10
const WARN_EVERY_MS = 60 * 60 * 1_000
const FIRST_AFTER_MS = 5_000

/** Creates the loop that deletes old events in small batches. Any number of nodes may run it at the same time. */
export function createRetention({ store, settings, clock, logger }: RetentionParts): Periodic {
  const { abandonedAfterMs, intervalMs } = settings
  const steady = steadyClock(clock)
  const limits = { ...settings, limit: BATCH_SIZE }
  const warnedAt = new Map<string, number>()

  const pause = () => new Promise<void>((resolve) => clock.schedule(resolve, PAUSE_MS))

  async function clean(signal: AbortSignal): Promise<void> {
    while (!signal.aborted && (await store.purge(limits)) === BATCH_SIZE) await pause()
    // Frees the pages of the sender's rows too, since they share the file.
    while (!signal.aborted && (await store.shrinkFile())) await pause()
    if (!signal.aborted) await warnOfAbandoned()
  }

  async function warnOfAbandoned(): Promise<void> {
    for (const { name, unattendedMs } of await store.listUnattended(abandonedAfterMs / 10)) {
      const message =
        unattendedMs > abandonedAfterMs
          ? 'No node has run this subscription for so long that its events are deleted unhandled'
          : 'No node runs this subscription: it keeps old events in the log until it is run again or abandoned'
      const key = `${name} ${message}`
      if (steady.now() - (warnedAt.get(key) ?? Number.NEGATIVE_INFINITY) < WARN_EVERY_MS) continue
      warnedAt.set(key, steady.now())
      logger.warn({ subscription: name, unattendedMs, abandonedAfterMs }, message)
    }
  }

  return createPeriodic({
    run: clean,
    failed: (error) => logger.warn({ err: error }, 'Old events could not be deleted; trying again later'),
    everyMs: intervalMs,
    firstAfterMs: Math.min(intervalMs, FIRST_AFTER_MS),
    clock,
  })
}
