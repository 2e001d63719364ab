import type { DeliveryFilter, DeliveryState, StatusFilter } from '@x/sender'
import type { BodyFields } from '../describe/route.ts'
import {
  choice,
  either,
  flag,
  list,
  object,
  optional,
  type Parameter,
  type Schema,
  text,
  time,
  whole,
} from '../describe/schema.ts'
import type { Job } from '../ui/api-types.ts'
import { deliveryState } from './delivery-schemas.ts'
import { errorCode } from './reason-schemas.ts'

/** What the sender checks. */
const states: Parameter<string, readonly DeliveryState[]> = {
  ...text(`Those in this state, or in one of several, separated by commas: ${deliveryState.json['enum']}.`),
  read: (_field, value) => value.split(',') as readonly DeliveryState[],
}

/** The same. */
const status: Parameter<string, StatusFilter> = {
  ...text('Those whose last response had this status, `503`, or one of this class, `5xx`.', {
    pattern: '^[1-5](\\d\\d|xx)$',
  }),
  read: (_field, value) => (/^\d{3}$/.test(value) ? Number(value) : (value as StatusFilter)),
}

/** The parameters that say which deliveries are meant. */
export const DELIVERY_FILTER = {
  endpointId: text('Those of this endpoint.'),
  url: text('Those of endpoints whose URL contains this text, in any case.'),
  eventId: text('Those of this event.'),
  eventType: text('Those of this event type or pattern, in any case: `File.*`.'),
  state: states,
  status,
  errorCode,
  hasFailedAttempts: flag(
    'Those with an attempt that failed, also where a later one succeeded; or those without.',
  ),
  createdAfter: time('Those created at this time or later.'),
  createdBefore: time('Those created before this time.'),
} as const satisfies Record<Exclude<keyof DeliveryFilter, 'tenantId'>, unknown>

const statusValue = either(whole(100, 599), choice(['1xx', '2xx', '3xx', '4xx', '5xx']))

type JobFilter = NonNullable<Job['options']['filter']>

/** The same, as a job keeps it. */
export const jobFilter: Schema<JobFilter> = object<JobFilter>({
  endpointId: optional(text()),
  url: optional(text()),
  eventId: optional(text()),
  eventType: optional(text()),
  state: optional(either(deliveryState, list(deliveryState))),
  status: optional(statusValue),
  errorCode: optional(errorCode),
  hasFailedAttempts: optional(flag()),
  createdAfter: optional(time()),
  createdBefore: optional(time()),
})

/** The same in a body, for what is done to many; what is sent is checked by the sender. */
export const DELIVERY_FILTER_FIELDS = {
  endpointId: optional(DELIVERY_FILTER.endpointId),
  url: optional(DELIVERY_FILTER.url),
  eventId: optional(DELIVERY_FILTER.eventId),
  eventType: optional(DELIVERY_FILTER.eventType),
  status: optional(statusValue),
  errorCode: optional(errorCode),
  hasFailedAttempts: optional(DELIVERY_FILTER.hasFailedAttempts),
  createdAfter: DELIVERY_FILTER.createdAfter,
  createdBefore: DELIVERY_FILTER.createdBefore,
} as const satisfies BodyFields

/** The states to choose among; several in a list. */
export const STATE_FIELD = optional(either(deliveryState, list(deliveryState)))
