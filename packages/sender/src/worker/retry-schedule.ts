/** When to try again. */
export interface RetrySchedule {
  /** Milliseconds before the first attempt. */
  readonly firstDelayMs: number
  /**
   * Milliseconds to wait after so many attempts, at least as long as the consumer has asked for.
   *
   * @returns undefined when that was the last one.
   */
  delayMs(attemptsMade: number, retryAfterMs: number): number | undefined
}

const JITTER = 0.1
const MAX_RETRY_AFTER_MS = 24 * 60 * 60 * 1_000

/**
 * The delays before each attempt, in seconds. Up to a tenth is added to each, so that what failed
 * together does not come back together; nothing is ever early.
 */
export function createRetrySchedule(
  delaysSeconds: readonly number[],
  random: () => number = Math.random,
): RetrySchedule {
  const [first = 0] = delaysSeconds

  return {
    firstDelayMs: Math.round(first * 1_000),
    delayMs(attemptsMade, retryAfterMs) {
      const seconds = delaysSeconds[attemptsMade]
      if (seconds === undefined) return undefined
      const scheduled = seconds * 1_000 * (1 + JITTER * random())
      return Math.ceil(Math.max(scheduled, Math.min(retryAfterMs, MAX_RETRY_AFTER_MS)))
    },
  }
}
