import { type FieldNames, isStorableDate } from '@x/events-core'
import type { ActorScope } from './endpoints/endpoint.ts'
import { assertArgument } from './errors.ts'

/** The names of what narrows a call to a tenant, and says who makes it. */
export const SCOPE: FieldNames<ActorScope> = { tenantId: true, actor: true }

/** A time range, in milliseconds since 1970. */
export interface TimeRange {
  readonly since?: number
  readonly until?: number
}

/**
 * Reads a date of a caller.
 *
 * @throws WebhookSenderError `invalid_argument`, also for dates that PostgreSQL or ISO 8601 cannot write.
 */
export function readTime(field: string, value: unknown): number {
  assertArgument(isStorableDate(value), field, 'a valid Date of the years 1 to 9999', value)
  return value.getTime()
}

/**
 * Reads the two ends of a time range, by the names of the caller's fields. Either may be left out.
 *
 * @throws WebhookSenderError `invalid_argument`, also where it ends before it begins.
 */
export function readTimeRange(
  [sinceField, since]: readonly [string, unknown],
  [untilField, until]: readonly [string, unknown],
): TimeRange {
  const range = {
    ...(since === undefined ? {} : { since: readTime(sinceField, since) }),
    ...(until === undefined ? {} : { until: readTime(untilField, until) }),
  }
  const { since: first = Number.NEGATIVE_INFINITY, until: last = Number.POSITIVE_INFINITY } = range
  assertArgument(first <= last, sinceField, `no later than ${untilField}`, since)
  return range
}

const DEFAULT_LIMIT = 50
const MAX_LIMIT = 250

/**
 * Reads the `limit` of a list.
 *
 * @throws WebhookSenderError `invalid_argument`
 */
export function readLimit(limit: number | undefined): number {
  return limit === undefined ? DEFAULT_LIMIT : assertArgument.integer('limit', limit, 1, MAX_LIMIT)
}
