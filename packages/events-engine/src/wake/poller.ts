import type { Clock, Logger } from '@x/events-core'
import type { EventStore, Position } from '../store/event-store.ts'
import type { WakeSignal } from './wake-signal.ts'

/** How often a node looks for events that nobody told it of. */
export interface PollerSettings {
  /** Milliseconds between two looks while there is traffic. */
  readonly pollMinMs: number
  /** Milliseconds between two looks once nothing has happened for a while. */
  readonly pollMaxMs: number
}

export interface Poller {
  /** Behind everything that the last look has seen; undefined before the first. */
  readonly seen: Position | undefined
  start(): void
  stop(): Promise<void>
  /** Something was raised here and will be committed soon, if at all: look now, and often for a while. */
  expect(): void
  /** Something was committed here: there is no need to look for it. */
  committed(): void
  /** Somebody else may have committed something: look now. */
  look(): void
}

const BACK_OFF = 1.5
const EXPECT_FOR_MS = 1_000

/**
 * One poll for all subscriptions of a node. A look reads a single value; while that stays the same,
 * the looks become rarer. On SQLite a look waits in Kysely's queue until the transaction that is
 * under way has ended, so that after {@link Poller.expect} it sees the commit at once.
 *
 * @param committedHere - called when something is found after {@link Poller.expect}.
 */
export function createPoller(
  store: EventStore,
  wake: WakeSignal,
  settings: PollerSettings,
  clock: Clock,
  logger: Logger,
  committedHere: () => void = () => {},
): Poller {
  let running = false
  let looking: Promise<void> | undefined
  let lookAgain = false
  let cancelTimer = () => {}
  let delayMs = settings.pollMinMs
  let nextLookAt = Number.NEGATIVE_INFINITY
  let expectedAt = Number.NEGATIVE_INFINITY
  let expecting = false
  let marker: string | undefined
  let seen: Position | undefined

  function isExpecting(): boolean {
    const elapsedMs = clock.now() - expectedAt
    // Negative where the clock was set back, which must not make us look at this rate until it has caught up.
    return elapsedMs >= 0 && elapsedMs < EXPECT_FOR_MS
  }

  async function look(): Promise<void> {
    try {
      const found = await store.findChange(marker)
      marker = found.marker
      seen = found.position
      if (found.changed) {
        delayMs = settings.pollMinMs
        expectedAt = Number.NEGATIVE_INFINITY
        wake.poke()
        if (expecting) committedHere()
        expecting = false
      } else if (!isExpecting()) {
        delayMs = Math.min(delayMs * BACK_OFF, settings.pollMaxMs)
      }
    } catch (error) {
      delayMs = settings.pollMaxMs
      // A server that has recovered from a crash may hand out again what it had handed out before.
      marker = undefined
      seen = undefined
      logger.warn({ err: error }, 'The event log could not be polled; trying again')
    }
  }

  function lookNow(): void {
    cancelTimer()
    if (looking) {
      lookAgain = true
      return
    }
    looking = look().finally(() => {
      looking = undefined
      if (!running) return
      if (lookAgain) {
        lookAgain = false
        lookNow()
      } else {
        lookLater()
      }
    })
  }

  function lookLater(): void {
    nextLookAt = clock.now() + delayMs
    cancelTimer = clock.schedule(lookNow, delayMs)
  }

  /** At most so late: commits that follow each other quickly must not put it off each time. */
  function lookWithin(ms: number): void {
    delayMs = ms
    const inMs = nextLookAt - clock.now()
    if (looking || (inMs >= 0 && inMs <= ms)) return
    cancelTimer()
    lookLater()
  }

  return {
    get seen() {
      return seen
    },
    start() {
      running = true
      marker = undefined
      lookNow()
    },
    async stop() {
      running = false
      cancelTimer()
      await looking
      seen = undefined
    },
    expect() {
      if (!running) return
      delayMs = settings.pollMinMs
      expectedAt = clock.now()
      expecting = true
      lookNow()
    },
    committed() {
      if (!running) return
      wake.poke()
      committedHere()
      lookWithin(settings.pollMinMs)
    },
    look() {
      if (!running) return
      delayMs = settings.pollMinMs
      lookNow()
    },
  }
}
