import { isSchedule, SCHEDULE_RULE } from '../worker/retry-schedule.ts'
import type { Concurrency, RateLimit } from './endpoint.ts'
import { refuseUnless } from './invalid-endpoint.ts'

const MAX_CONCURRENCY = 64
const MAX_RATE = 10_000
const MAX_PER_SECONDS = 86_400

/** @throws WebhookSenderError `invalid_endpoint` */
export function validateConcurrency(given: unknown): Concurrency {
  const { min, max } = boundsOf(given)
  refuseUnless(
    isIntegerIn(max, 1, MAX_CONCURRENCY),
    'concurrency',
    `an integer from 1 to ${MAX_CONCURRENCY}, or { min, max } of such`,
    max,
  )
  refuseUnless(isIntegerIn(min, 1, max), 'concurrency.min', 'an integer from 1 to max', min)
  return { min, max }
}

/** @throws WebhookSenderError `invalid_endpoint` */
export function validateRateLimit(given: unknown): RateLimit | null {
  if (given === null) return null
  refuseUnless(typeof given === 'object', 'rateLimit', 'an object { limit, perSeconds }', given)
  const { limit, perSeconds } = given as RateLimit
  refuseUnless(isIntegerIn(limit, 1, MAX_RATE), 'rateLimit.limit', `an integer from 1 to ${MAX_RATE}`, limit)
  refuseUnless(
    isIntegerIn(perSeconds, 1, MAX_PER_SECONDS),
    'rateLimit.perSeconds',
    `an integer from 1 to ${MAX_PER_SECONDS}`,
    perSeconds,
  )
  return { limit, perSeconds }
}

/** @throws WebhookSenderError `invalid_endpoint` */
export function validateRetrySchedule(given: unknown): readonly number[] | null {
  if (given === null) return null
  refuseUnless(isSchedule(given), 'retrySchedule', SCHEDULE_RULE, given)
  return [...(given as number[])]
}

function boundsOf(given: unknown): Concurrency {
  if (typeof given !== 'object' || given === null) return { min: 1, max: given as number }
  const { min = 1, max = 8 } = given as Partial<Concurrency>
  return { min, max }
}

function isIntegerIn(value: unknown, min: number, max: number): boolean {
  return Number.isSafeInteger(value) && (value as number) >= min && (value as number) <= max
}
