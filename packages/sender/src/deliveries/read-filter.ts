import { type FieldNames, isEventTypePattern, isListOf, matchesEventType } from '@x/events-core'
import { isStorable } from '@x/events-engine/internal'
import { readTime } from '../argument.ts'
import { validateTenantId } from '../endpoints/validate.ts'
import { assertArgument } from '../errors.ts'
import { isUniqueId } from '../ids.ts'
import type { FoundDelivery } from '../store/delivery-sources.ts'
import { ATTEMPT_ERROR_CODES, type AttemptErrorCode } from './attempt-error-code.ts'
import { DELIVERY_STATES, type DeliveryFilter, type DeliveryState, type StatusFilter } from './delivery.ts'

/** A filter as a job stores it. */
export type StoredFilter = {
  readonly [TName in keyof Omit<CheckedFilter, 'tenantId'>]?: CheckedFilter[TName]
}

/** A filter that was checked, with its times as milliseconds. */
export interface CheckedFilter {
  readonly tenantId: number
  readonly endpointId: string | undefined
  readonly url: string | undefined
  readonly eventId: string | undefined
  readonly eventType: string | undefined
  readonly states: readonly DeliveryState[] | undefined
  readonly status: StatusFilter | undefined
  readonly errorCode: AttemptErrorCode | undefined
  readonly hasFailedAttempts: boolean | undefined
  readonly createdAfter: number | undefined
  readonly createdBefore: number | undefined
}

/** The names of a filter. */
export const FILTER: FieldNames<DeliveryFilter> = {
  tenantId: true,
  endpointId: true,
  url: true,
  eventId: true,
  eventType: true,
  state: true,
  status: true,
  errorCode: true,
  hasFailedAttempts: true,
  createdAfter: true,
  createdBefore: true,
}
const MAX_TEXT = 200
const STATUS_CLASSES = ['1xx', '2xx', '3xx', '4xx', '5xx']

/**
 * Checks a filter of a caller, whose names are known.
 *
 * @throws WebhookSenderError `invalid_argument`
 */
export function readFilter(filter: Partial<DeliveryFilter>): CheckedFilter {
  const { endpointId, url, eventId, eventType, state, status, errorCode, hasFailedAttempts } = filter
  const { createdAfter, createdBefore } = filter
  const tenantId = validateTenantId(filter.tenantId)
  assertText('endpointId', 'the id of an endpoint', endpointId)
  assertText('eventId', 'the id of an event', eventId)
  const isType = eventType === undefined || (typeof eventType === 'string' && isEventTypePattern(eventType))
  assertArgument(isType, 'eventType', "an event type or a pattern such as 'File.*'", eventType)
  if (status !== undefined && !STATUS_CLASSES.includes(status as string)) {
    const isStatus = Number.isInteger(status) && (status as number) >= 100 && (status as number) <= 599
    assertArgument(
      isStatus,
      'status',
      `an integer from 100 to 599, or one of ${STATUS_CLASSES.join(', ')}`,
      status,
    )
  }
  return {
    tenantId,
    endpointId,
    url: readText('url', url),
    eventId,
    eventType,
    states: readStates(state),
    status,
    errorCode:
      errorCode === undefined ? undefined : assertArgument.oneOf('errorCode', errorCode, ATTEMPT_ERROR_CODES),
    hasFailedAttempts:
      hasFailedAttempts === undefined
        ? undefined
        : assertArgument.boolean('hasFailedAttempts', hasFailedAttempts),
    // Where the one is later than the other, there is nothing between them.
    createdAfter: createdAfter === undefined ? undefined : readTime('createdAfter', createdAfter),
    createdBefore: createdBefore === undefined ? undefined : readTime('createdBefore', createdBefore),
  }
}

/**
 * Reads a text to look for.
 *
 * @throws WebhookSenderError `invalid_argument`
 */
export function readText(field: string, text: unknown): string | undefined {
  if (text === undefined) return undefined
  const fits = typeof text === 'string' && text.length >= 1 && text.length <= MAX_TEXT
  assertArgument(fits && isStorable(text), field, `a text of 1 to ${MAX_TEXT} characters, without NUL`, text)
  return text as string
}

function assertText(field: string, expected: string, value: unknown): void {
  assertArgument(value === undefined || typeof value === 'string', field, expected, value)
}

function readStates(state: unknown): readonly DeliveryState[] | undefined {
  if (state === undefined) return undefined
  const states: unknown = Array.isArray(state) ? state : [state]
  const fits = isListOf(states, isDeliveryState) && states.length > 0
  assertArgument(fits, 'state', `one or several of ${DELIVERY_STATES.join(', ')}`, state)
  return states
}

function isDeliveryState(state: unknown): state is DeliveryState {
  return DELIVERY_STATES.includes(state as DeliveryState)
}

/** Whether nothing can be found, since an id has a form that none has. */
export function isImpossible({ endpointId, eventId }: CheckedFilter): boolean {
  return (
    (endpointId !== undefined && !isUniqueId('ep_', endpointId)) ||
    (eventId !== undefined && !isUniqueId('evt_', eventId))
  )
}

/** Creates a function that says whether a filter lets a delivery through. Its owner was checked before. */
export function createFilterTest(filter: CheckedFilter): (delivery: FoundDelivery) => boolean {
  const { eventId, eventType, states, status, errorCode, hasFailedAttempts } = filter
  const { createdAfter = Number.NEGATIVE_INFINITY, createdBefore = Number.POSITIVE_INFINITY } = filter
  const pattern = eventType?.toLowerCase()
  return (delivery) =>
    (eventId === undefined || delivery.eventId === eventId) &&
    (states === undefined || states.includes(delivery.state)) &&
    (pattern === undefined || matchesEventType(pattern, delivery.eventType.toLowerCase())) &&
    (status === undefined || hasStatus(delivery.lastStatus, status)) &&
    (errorCode === undefined || delivery.lastErrorCode === errorCode) &&
    (hasFailedAttempts === undefined || delivery.hasFailedAttempts === hasFailedAttempts) &&
    delivery.createdOn >= createdAfter &&
    delivery.createdOn < createdBefore
}

/** Whether only failed attempts end as the filter wants. */
export function wantsFailure({ status, errorCode, hasFailedAttempts }: CheckedFilter): boolean {
  const isFailure = typeof status === 'number' ? status >= 300 || status < 200 : status !== '2xx'
  return hasFailedAttempts === true || errorCode !== undefined || (status !== undefined && isFailure)
}

/** The least and the most of the statuses that are meant. */
export function statusesOf(status: StatusFilter): readonly [least: number, most: number] {
  if (typeof status === 'number') return [status, status]
  const least = Number(status[0]) * 100
  return [least, least + 99]
}

function hasStatus(lastStatus: number | null, status: StatusFilter): boolean {
  if (lastStatus === null) return false
  const [least, most] = statusesOf(status)
  return lastStatus >= least && lastStatus <= most
}
