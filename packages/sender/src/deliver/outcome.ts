import type { AttemptErrorCode } from '../deliveries/delivery.ts'
import type { PostOutcome } from '../http/post.ts'
import { retryAfterMs } from './retry-after.ts'
import type { RetrySchedule } from './retry-schedule.ts'

/** What follows from an attempt. */
export interface Outcome {
  readonly state: 'succeeded' | 'pending' | 'exhausted' | 'cancelled'
  /** Milliseconds until the next attempt; null when there is none, or when this one does not count. */
  readonly delayMs: number | null
  readonly errorCode: AttemptErrorCode | null
  readonly errorMessage: string | null
  /** The consumer wants nothing any more. */
  readonly gone: boolean
  /** It never came to the consumer, for a reason of this side: it does not count. */
  readonly isOurFault: boolean
  /** The consumer did not answer, or said that it has trouble or is asked too much. */
  readonly inTrouble: boolean
  /** It is to be left alone for a while: 429, 502, 503 and 504. */
  readonly asksForPause: boolean
  /** How long it has asked to be left alone, in milliseconds. */
  readonly retryAfterMs: number
}

const SUCCESS: Outcome = Object.freeze({
  state: 'succeeded',
  delayMs: null,
  errorCode: null,
  errorMessage: null,
  gone: false,
  isOurFault: false,
  inTrouble: false,
  asksForPause: false,
  retryAfterMs: 0,
})

const ASKING_FOR_PAUSE = new Set([429, 502, 503, 504])
const MAX_RETRY_AFTER_MS = 24 * 60 * 60 * 1_000

/**
 * Judges an attempt: 2xx is success, 410 ends everything, anything else is tried again while the
 * schedule lasts.
 *
 * @param step - attempts made in this run through the schedule, this one included.
 * @param mayBeOurs - whether to take the blame for what could be either side's fault.
 */
export function outcomeOf(
  posted: PostOutcome,
  step: number,
  schedule: RetrySchedule,
  { now, mayBeOurs }: { readonly now: number; readonly mayBeOurs: boolean },
): Outcome {
  const { status, error, retryAfter } = posted
  if (error === undefined && status !== undefined && status >= 200 && status < 300) return SUCCESS
  if (error === undefined && status === 410) {
    const errorMessage = 'The consumer has answered 410 Gone; its endpoint was disabled.'
    return { ...SUCCESS, state: 'exhausted', errorCode: 'gone', errorMessage, gone: true }
  }
  const failure = error ?? failureOf(status)
  const { code: errorCode, message: errorMessage } = failure
  // The host's word, which says nothing about the consumer.
  if (errorCode === 'not_allowed') return { ...SUCCESS, state: 'cancelled', errorCode, errorMessage }
  if (error && (error.attribution === 'sender' || (error.attribution === 'unclear' && mayBeOurs))) {
    return { ...SUCCESS, state: 'pending', errorCode, errorMessage, isOurFault: true }
  }
  const asksForPause = error === undefined && ASKING_FOR_PAUSE.has(status ?? 0)
  const asked = asksForPause ? Math.min(retryAfterMs(retryAfter, now), MAX_RETRY_AFTER_MS) : 0
  const delayMs = schedule.delayMs(step, asked) ?? null
  return {
    ...SUCCESS,
    state: delayMs === null ? 'exhausted' : 'pending',
    delayMs,
    errorCode,
    errorMessage,
    inTrouble: error !== undefined || status === undefined || status === 429 || status >= 500,
    asksForPause,
    retryAfterMs: asked,
  }
}

function failureOf(status: number | undefined): { code: AttemptErrorCode; message: string } {
  if (status !== undefined && status >= 300 && status < 400) {
    return { code: 'redirect', message: `The consumer has answered ${status}; redirects are not followed.` }
  }
  return { code: 'http_status', message: `The consumer has answered ${status}; 2xx means received.` }
}
