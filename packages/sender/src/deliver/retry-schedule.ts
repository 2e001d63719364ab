import { isListOf } from '@x/events-core'

const MAX_ATTEMPTS = 50
const MAX_DELAY_SECONDS = 30 * 24 * 60 * 60

/** What a schedule must be. */
export const SCHEDULE_RULE: string = `1 to ${MAX_ATTEMPTS} numbers of seconds, none above 30 days`

/** Whether a value is a list of delays. */
export function isSchedule(value: unknown): value is readonly number[] {
  return Array.isArray(value) && value.length >= 1 && value.length <= MAX_ATTEMPTS && isListOf(value, isDelay)
}

function isDelay(seconds: unknown): seconds is number {
  return (
    typeof seconds === 'number' && Number.isFinite(seconds) && seconds >= 0 && seconds <= MAX_DELAY_SECONDS
  )
}

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

/** Milliseconds before the first attempt. */
export function firstDelayMsOf([first = 0]: readonly number[]): number {
  return Math.round(first * 1_000)
}

/**
 * The delays before each attempt, in seconds. Up to a tenth is added to each, so that what failed
 * together does not come back together; nothing is ever early.
 */
export function createRetrySchedule(
  delaysSeconds: readonly number[],
  random: () => number = Math.random,
): RetrySchedule {
  return {
    firstDelayMs: firstDelayMsOf(delaysSeconds),
    delayMs(attemptsMade, retryAfterMs) {
      const seconds = delaysSeconds[attemptsMade]
      if (seconds === undefined) return undefined
      const scheduled = seconds * 1_000 * (1 + JITTER * random())
      return Math.ceil(Math.max(scheduled, retryAfterMs))
    },
  }
}
