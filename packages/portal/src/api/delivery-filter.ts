import type { DeliveryFilter, DeliveryState, StatusFilter } from '@x/sender'
import { flag, type Parameter, text, time } from '../describe/schema.ts'
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
