import {
  choice,
  count,
  flag,
  integer,
  list,
  named,
  number,
  object,
  optional,
  type Properties,
  record,
  text,
  time,
} from '../describe/schema.ts'
import type { Delivery, DeliveryAttempt, DeliveryCount, DeliveryDetails } from '../ui/api-types.ts'
import { deliveryReason, errorCode, resendEffect } from './reason-schemas.ts'

/** The state of a delivery. */
export const deliveryState = choice(
  ['pending', 'succeeded', 'exhausted', 'cancelled', 'pull'],
  '`pending`: an attempt is due, now or later. `exhausted`: the last attempt failed. `pull`: it is there to be read.',
)

const properties: Properties<Delivery> = {
  id: text(),
  endpointId: text(),
  tenantId: integer(),
  eventId: text('The `webhook-id` of every attempt.'),
  eventType: text(),
  state: deliveryState,
  reason: deliveryReason,
  attemptCount: count(),
  dueOn: optional(
    time('When the next attempt is due; absent unless pending, and while it waits for another one to end.'),
  ),
  createdOn: time(),
  finishedOn: optional(time('When it reached its final state; absent while pending.')),
  lastStatus: optional(count('The status of the last response.')),
  lastErrorCode: optional(errorCode),
  sequence: optional(
    count('The number of the message among those of the endpoint; absent where it has none.'),
  ),
  test: optional(flag('Whether somebody has only tried the endpoint; absent otherwise.')),
}

/** One message for one endpoint. */
export const delivery = named('Delivery', object<Delivery>(properties, 'One message for one endpoint.'))

/** One HTTP request of a delivery. */
export const attempt = named(
  'DeliveryAttempt',
  object<DeliveryAttempt>(
    {
      number: count('1 for the first.'),
      startedOn: time(),
      durationMs: number(),
      request: object<DeliveryAttempt['request']>({
        method: choice(['POST']),
        url: text(),
        headers: record(text(), 'All but `host`, `connection` and `content-length`.'),
        maskedHeaders: list(
          text(),
          'Headers whose values are shown as `***`, since they may be credentials.',
        ),
        source: choice(
          ['kept', 'composed'],
          '`composed`: the headers of a success at once, composed again from what is known.',
        ),
      }),
      response: optional(
        object<NonNullable<DeliveryAttempt['response']>>({
          status: count(),
          body: text('The first 4 KB.'),
          headers: optional(
            record(text(), 'The first 32 that take 4 KB together; absent of a success at once.'),
          ),
          omittedHeaders: optional(count('How many further headers there were.')),
        }),
      ),
      connection: optional(
        object<NonNullable<DeliveryAttempt['connection']>>(
          {
            reused: flag('Whether it was open already.'),
            viaProxy: flag('Whether it went through a proxy.'),
            httpVersion: choice(['1.1']),
            remoteAddress: optional(text('Where no connection came about, the last address that was tried.')),
            remotePort: optional(count()),
            tlsVersion: optional(text('Such as `TLSv1.3`; absent without TLS.')),
          },
          'Absent of a success at once, and where none was begun.',
        ),
      ),
      timings: optional(
        object<NonNullable<DeliveryAttempt['timings']>>(
          {
            dnsMs: optional(number('Resolving the name.')),
            connectMs: optional(number('TCP, or the tunnel of a proxy.')),
            tlsMs: optional(number('The TLS handshake.')),
            firstByteMs: optional(number('From the request to the first byte of the response.')),
          },
          'Steps that were made, in milliseconds; absent of a success at once.',
        ),
      ),
      errorCode: optional(errorCode),
      errorMessage: optional(text()),
    },
    'One HTTP request of a delivery, with its outcome.',
  ),
)

/** A delivery with everything about it. */
export const deliveryDetails = named(
  'DeliveryDetails',
  object<DeliveryDetails>({
    ...properties,
    resend: resendEffect,
    body: text('What was sent, to the byte.'),
    attempts: list(attempt, 'The newest 100, oldest first; `/attempts` lists them all.'),
  }),
)

/** How many deliveries a filter lets through. */
export const deliveryCount = object<DeliveryCount>({
  count: count(),
  isComplete: flag('False where there may be more than `count`, since only so many are looked at.'),
})
