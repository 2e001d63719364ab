/** The time, as everything in these packages reads it; tests give one that they move by hand. */
export interface Clock {
  /** Milliseconds since 1970-01-01 UTC. */
  now(): number
  /**
   * Calls back once, after a delay.
   *
   * @param delayMs - milliseconds; not exact, never early.
   * @returns a function that cancels the call.
   */
  schedule(callback: () => void, delayMs: number): () => void
}

declare function setTimeout(callback: () => void, delayMs: number): unknown
declare function clearTimeout(timer: unknown): void

/**
 * The machine's own clock. It looks up `Date` and `setTimeout` at each call, so that fake timers of a test hold for it
 * whenever they are installed.
 */
export const systemClock: Clock = Object.freeze({
  now: () => Date.now(),
  schedule(callback: () => void, delayMs: number) {
    const timer = setTimeout(callback, delayMs)
    return () => clearTimeout(timer)
  },
})

/**
 * A clock for what a process waits for: it goes on with another, while the machine sleeps as well, and stands still
 * where that is set back. What it says is no time of day.
 *
 * @example
 * ```ts
 * import { steadyClock, systemClock } from '@x/events-core'
 *
 * const clock = steadyClock(systemClock)
 * const since = clock.now()
 * const isSilent = () => clock.now() - since > 30_000
 * ```
 */
export function steadyClock(clock: Clock): Clock {
  let seen = clock.now()
  let elapsed = seen
  return {
    now() {
      const now = clock.now()
      elapsed += Math.max(0, now - seen)
      seen = now
      return elapsed
    },
    schedule: (callback, delayMs) => clock.schedule(callback, delayMs),
  }
}
