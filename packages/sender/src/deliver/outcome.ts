import type { AttemptErrorCode } from '../deliveries/attempt-error-code.ts'
import type { PostOutcome } from '../http/post.ts'
import type { RetrySchedule } from './retry-schedule.ts'

/** What an attempt came to. */
export interface Outcome {
  readonly state: 'succeeded' | 'pending' | 'exhausted' | 'cancelled'
  /** Milliseconds until the next attempt; null when there is none, or when this one does not count. */
  readonly delayMs: number | null
  /** Of the response; null where there was none. */
  readonly status: number | null
  readonly errorCode: AttemptErrorCode | null
  readonly errorMessage: string | null
  /** The consumer wants no further webhooks. */
  readonly gone: boolean
  /** The failure is attributed to the sender: the attempt does not count. */
  readonly isOwnFault: boolean
  /** No response, or one that says that the consumer fails or is overloaded: it counts for the circuit breaker. */
  readonly isTrouble: boolean
  /** The consumer should be left alone for a while: 429, 502, 503 and 504. */
  readonly asksForPause: boolean
  /** How long it has asked to be left alone, in milliseconds. */
  readonly retryAfterMs: number
}

const SUCCESS: Outcome = Object.freeze({
  state: 'succeeded',
  delayMs: null,
  status: null,
  errorCode: null,
  errorMessage: null,
  gone: false,
  isOwnFault: false,
  isTrouble: false,
  asksForPause: false,
  retryAfterMs: 0,
})

const ASKING_FOR_PAUSE = new Set([429, 502, 503, 504])
const MAX_RETRY_AFTER_MS = 24 * 60 * 60 * 1_000

/**
 * Finds the outcome of an attempt: 2xx is success, 410 disables the endpoint, anything else is retried while the schedule
 * lasts.
 *
 * @param step - attempts made in this run through the schedule, this one included.
 * @param mayBeOurs - whether a failure that is unclear is attributed to the sender.
 */
export function outcomeOf(
  { status, error, retryAfter }: PostOutcome,
  step: number,
  schedule: RetrySchedule,
  { now, mayBeOurs }: { readonly now: number; readonly mayBeOurs: boolean },
): Outcome {
  if (error === undefined && status !== undefined && status >= 200 && status < 300) return SUCCESS
  if (error === undefined && status === 410) {
    const errorMessage = 'The consumer responded with 410 Gone; its endpoint was disabled.'
    return { ...SUCCESS, state: 'exhausted', status, errorCode: 'gone', errorMessage, gone: true }
  }
  const { code: errorCode, message: errorMessage } = error ?? failureOf(status)
  // The host has decided it, which says nothing about the consumer.
  if (errorCode === 'not_allowed') return { ...SUCCESS, state: 'cancelled', errorCode, errorMessage }
  if (error?.attribution === 'sender' || (error?.attribution === 'unclear' && mayBeOurs)) {
    return { ...SUCCESS, state: 'pending', errorCode, errorMessage, isOwnFault: true }
  }
  const asksForPause = error === undefined && ASKING_FOR_PAUSE.has(status ?? 0)
  const asked = asksForPause ? Math.min(retryAfterMs(retryAfter, now), MAX_RETRY_AFTER_MS) : 0
  const delayMs = schedule.delayMs(step, asked) ?? null
  return {
    ...SUCCESS,
    state: delayMs === null ? 'exhausted' : 'pending',
    delayMs,
    status: status ?? null,
    errorCode,
    errorMessage,
    isTrouble: error !== undefined || status === undefined || status === 429 || status >= 500,
    asksForPause,
    retryAfterMs: asked,
  }
}

function failureOf(status: number | undefined): { code: AttemptErrorCode; message: string } {
  if (status !== undefined && status >= 300 && status < 400) {
    const message = `The consumer responded with ${status}; redirects are not followed.`
    return { code: 'redirect', message }
  }
  return { code: 'http_status', message: `The consumer responded with ${status}; 2xx means received.` }
}

const SECONDS = /^\d{1,10}$/

/** Milliseconds from now that a Retry-After header names (RFC 9110, 10.2.3); 0 for one that cannot be read. */
function retryAfterMs(value: string | undefined, nowMs: number): number {
  if (value === undefined) return 0
  const text = value.trim()
  if (SECONDS.test(text)) return Number(text) * 1_000
  const date = /[a-z]/i.test(text) ? Date.parse(text) : Number.NaN
  return Number.isNaN(date) ? 0 : Math.max(0, date - nowMs)
}

/**
 * Attributes failures that are unclear. A name server that does not respond and a network that cannot be reached look the
 * same whether this machine is cut off or the consumer is; but a machine that is cut off gets no response from any other
 * consumer either.
 */
export interface FailureAttribution {
  /** A consumer has responded, with whatever status. */
  responded(origin: string): void
  /** Whether no other consumer has responded lately. */
  isAlone(origin: string): boolean
}

const LATELY_MS = 30_000

/** Creates it. It remembers the origin that responded last, and the last one that was another. */
export function createFailureAttribution(): FailureAttribution {
  let last = { origin: '', at: Number.NEGATIVE_INFINITY }
  let other = last

  return {
    responded(origin) {
      if (last.origin !== origin) other = last
      last = { origin, at: performance.now() }
    },
    isAlone(origin) {
      const { at } = last.origin === origin ? other : last
      return performance.now() - at > LATELY_MS
    },
  }
}
