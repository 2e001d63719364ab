import type { Clock } from '@x/events-core'

/** One timer for the next thing that becomes due, by the engine's clock. */
export interface DueTimer {
  /** Something is due at this time; earlier is what counts. */
  expect(dueOn: number): void
  /** Forgets what was expected. */
  clear(): void
}

// Longer waits are done in parts: timers of the machine hold no more than 24 days.
const LONGEST_MS = 60 * 60 * 1_000

/** @param ring - called when the time has come. */
export function createDueTimer(clock: Clock, ring: () => void): DueTimer {
  let expected = Number.POSITIVE_INFINITY
  let cancel = () => {}

  function clear(): void {
    cancel()
    expected = Number.POSITIVE_INFINITY
  }

  return {
    expect(dueOn) {
      if (dueOn >= expected) return
      cancel()
      expected = dueOn
      const delayMs = Math.min(LONGEST_MS, Math.max(0, dueOn - clock.now()))
      cancel = clock.schedule(() => {
        clear()
        ring()
      }, delayMs)
    },
    clear,
  }
}
