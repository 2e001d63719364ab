import type { AttemptErrorCode } from '../deliveries/delivery.ts'
import type { PostOutcome } from '../network/post.ts'
import { retryAfterMs } from './retry-after.ts'
import type { RetrySchedule } from './retry-schedule.ts'

/** What follows from an attempt. */
export interface Verdict {
  readonly state: 'succeeded' | 'pending' | 'exhausted'
  /** Milliseconds until the next attempt; null when there is none. */
  readonly delayMs: number | null
  readonly errorCode: AttemptErrorCode | null
  readonly errorMessage: string | null
  /** The consumer wants nothing any more. */
  readonly gone: boolean
}

const SUCCESS: Verdict = Object.freeze({
  state: 'succeeded',
  delayMs: null,
  errorCode: null,
  errorMessage: null,
  gone: false,
})

/**
 * Judges an attempt: 2xx is success, 410 ends everything, anything else is tried again while the
 * schedule lasts.
 *
 * @param step - attempts made in this run through the schedule, this one included.
 */
export function judgeAttempt(
  { status, error, retryAfter }: PostOutcome,
  step: number,
  schedule: RetrySchedule,
  now: number,
): Verdict {
  if (error === undefined && status !== undefined && status >= 200 && status < 300) return SUCCESS
  if (error === undefined && status === 410) {
    const errorMessage = 'The consumer has answered 410 Gone; its endpoint was disabled.'
    return { state: 'exhausted', delayMs: null, errorCode: 'gone', errorMessage, gone: true }
  }
  const asksForTime = status === 429 || status === 503
  const delayMs = schedule.delayMs(step, asksForTime ? retryAfterMs(retryAfter, now) : 0) ?? null
  const failure = error ?? failureOf(status)
  return {
    state: delayMs === null ? 'exhausted' : 'pending',
    delayMs,
    errorCode: failure.code,
    errorMessage: failure.message,
    gone: false,
  }
}

function failureOf(status: number | undefined): { code: AttemptErrorCode; message: string } {
  if (status !== undefined && status >= 300 && status < 400) {
    return { code: 'redirect', message: `The consumer has answered ${status}; redirects are not followed.` }
  }
  return { code: 'http_status', message: `The consumer has answered ${status}; 2xx means received.` }
}
