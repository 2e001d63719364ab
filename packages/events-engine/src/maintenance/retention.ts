import { type Clock, type Logger, steadyClock } from '@x/events-core'
import type { EventStore } from '../store/event-store.ts'

/** How long the log keeps events. */
export interface RetentionOptions {
  /**
   * Milliseconds for which every event is kept; longer where a durable subscription has not passed it.
   * At most 36,500 days.
   * @defaultValue 604800000 (7 days)
   */
  readonly keepMs?: number | undefined
  /**
   * Milliseconds after which a durable subscription that no node has run holds the log back no more.
   * Long before that, from a tenth of it on, it is warned of. At most 36,500 days.
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

export interface Retention {
  start(): void
  stop(): Promise<void>
}

const BATCH_SIZE = 500
/** Between two batches others get their turn: on SQLite they share the one connection. */
const PAUSE_MS = 10
const WARN_EVERY_MS = 60 * 60 * 1_000

/** Cleans up in small batches, now and then. Any number of nodes may do so at once. */
export function createRetention(
  store: EventStore,
  settings: RetentionSettings,
  clock: Clock,
  logger: Logger,
): Retention {
  const steady = steadyClock(clock)
  const limits = { ...settings, limit: BATCH_SIZE }
  let running = false
  let cancelTimer = () => {}
  let cleaning: Promise<void> = Promise.resolve()
  const warnedAt = new Map<string, number>()

  const pause = () => new Promise<void>((resolve) => clock.schedule(resolve, PAUSE_MS))

  async function clean(): Promise<void> {
    try {
      while (running && (await store.purge(limits)) === BATCH_SIZE) await pause()
      // What the sender has deleted, too: there is one file.
      while (running && (await store.shrinkFile())) await pause()
      if (running) await warnOfAbandoned()
    } catch (error) {
      logger.warn({ err: error }, 'Old events could not be deleted; trying again later')
    }
    if (running) cancelTimer = clock.schedule(begin, settings.intervalMs)
  }

  async function warnOfAbandoned(): Promise<void> {
    const { abandonedAfterMs } = settings
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

  function begin(): void {
    cleaning = clean()
  }

  return {
    start() {
      running = true
      cancelTimer = clock.schedule(begin, Math.min(settings.intervalMs, 5_000))
    },
    async stop() {
      running = false
      cancelTimer()
      await cleaning
    },
  }
}
