import type { Clock, Logger } from '@x/events-core'
import type { EventStore } from '../store/event-store.ts'
import type { Position } from '../store/position.ts'
import { createPeriodic } from '../util/periodic.ts'
import type { WakeSignal } from './wake-signal.ts'

/** How often a node looks for new events, in milliseconds. */
export interface PollerSettings {
  /** Between two looks while there is traffic. */
  readonly pollMinMs: number
  /** Between two looks when nothing has happened for a while. */
  readonly pollMaxMs: number
}

/** What {@link createPoller} works with. */
export interface PollerParts {
  readonly store: Pick<EventStore, 'findChange'>
  /** Poked when there are new events. */
  readonly wake: WakeSignal
  readonly settings: PollerSettings
  readonly clock: Clock
  readonly logger: Logger
  /** Called when events of this process are committed. */
  onOwnCommit(): void
}

/** What the looks for news have found. They are numbered in their order, and one ends before the next begins. */
export interface Seen {
  /** The position after everything that the last look has found; undefined before the first. */
  readonly position: Position | undefined
  /** The number of that look. */
  readonly look: number
  /** The number of the last look that has begun. */
  readonly lastBegun: number
}

export interface Poller {
  readonly seen: Seen
  start(): void
  stop(): Promise<void>
  /** Looks now, and often for a while: an event was raised here in a transaction that is still open. */
  expect(): void
  /** Wakes the subscriptions without a look: events of this process are committed. */
  committed(): void
  /** Looks now, as another process may have committed events. Resolves when no look is under way; never rejects. */
  look(): Promise<void>
}

const BACK_OFF = 1.5
const EXPECT_FOR_MS = 1_000

/**
 * Creates the poll that all subscriptions of a node share. A look reads a single value; while that stays the same, looks
 * become rarer. On SQLite a look waits in Kysely's queue until the open transaction has ended, so the look after
 * {@link Poller.expect} finds the commit at once.
 */
export function createPoller({ store, wake, settings, clock, logger, onOwnCommit }: PollerParts): Poller {
  let delayMs = settings.pollMinMs
  let expectedAt = Number.NEGATIVE_INFINITY
  let expecting = false
  let marker: string | undefined
  let seen: Omit<Seen, 'lastBegun'> = { position: undefined, look: 0 }
  let lastBegun = 0

  const loop = createPeriodic({
    run: findNews,
    failed(error) {
      delayMs = settings.pollMaxMs
      // A server that has recovered from a crash may give out the same transaction ids again.
      marker = undefined
      forgetSeen()
      logger.warn({ err: error }, 'The event log could not be polled; trying again')
    },
    everyMs: () => delayMs,
    clock,
  })

  function isExpecting(): boolean {
    const elapsedMs = clock.now() - expectedAt
    // Negative where the clock was set back: polling at this rate until the clock has caught up would be costly.
    return elapsedMs >= 0 && elapsedMs < EXPECT_FOR_MS
  }

  async function findNews(): Promise<void> {
    lastBegun += 1
    const found = await store.findChange(marker)
    marker = found.marker
    seen = { position: found.position, look: lastBegun }
    if (found.changed) {
      delayMs = settings.pollMinMs
      expectedAt = Number.NEGATIVE_INFINITY
      wake.poke()
      if (expecting) onOwnCommit()
      expecting = false
    } else if (!isExpecting()) {
      delayMs = Math.min(delayMs * BACK_OFF, settings.pollMaxMs)
    }
  }

  function forgetSeen(): void {
    seen = { position: undefined, look: lastBegun }
  }

  return {
    get seen() {
      return { ...seen, lastBegun }
    },
    start() {
      marker = undefined
      loop.start()
      void loop.now()
    },
    async stop() {
      await loop.stop()
      forgetSeen()
    },
    expect() {
      if (!loop.running) return
      delayMs = settings.pollMinMs
      expectedAt = clock.now()
      expecting = true
      void loop.now()
    },
    committed() {
      if (!loop.running) return
      wake.poke()
      onOwnCommit()
      delayMs = settings.pollMinMs
      loop.within(delayMs)
    },
    look() {
      if (loop.running) delayMs = settings.pollMinMs
      return loop.now()
    },
  }
}
