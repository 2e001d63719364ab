import {
  byCode,
  choice,
  count,
  flag,
  list,
  named,
  object,
  optional,
  text,
  time,
  whole,
} from '../describe/schema.ts'
import type { Delivery, EndpointHealth } from '../ui/api-types.ts'

/** Why an attempt failed. */
export const errorCode = choice(
  [
    'http_status',
    'redirect',
    'gone',
    'timeout',
    'connect_timeout',
    'connection_refused',
    'connection_lost',
    'dns_failure',
    'dns_unavailable',
    'network_unreachable',
    'out_of_resources',
    'not_permitted',
    'not_allowed',
    'check_failed',
    'aborted',
    'tls_failure',
    'forbidden_address',
    'forbidden_url',
    'proxy_unavailable',
    'proxy_unauthorized',
    'proxy_connect_failed',
    'invalid_response',
    'network_error',
  ],
  'Why an attempt failed.',
)

/** Why an endpoint is disabled. */
export const disabledReason = choice(['manual', 'gone', 'failing', 'unverified'])

/** Far more than a schedule may have, since what a person asks for counts, too. */
const MAX_ATTEMPTS = 1_000_000
const CAUSES = ['failures', 'retry_after', 'sender_fault'] as const

/** Why an endpoint gets no attempt for a while. */
export const pauseCause = choice(
  [...CAUSES, 'rate_limit'],
  '`failures`: attempts failed in a row. `retry_after`: the consumer has asked for it. `sender_fault`: a fault of this side.',
)

/** Failed attempts to an endpoint. */
export const endpointFailures = (description: string) =>
  list(
    object<EndpointHealth['failures'][number]>({
      on: time('When it ended.'),
      errorCode,
      status: optional(count('The status of the response; absent where there was none.')),
    }),
    description,
  )

const ahead = {
  ahead: optional(count('How many come before it, of 1,000 at most; only of a single delivery.')),
  aheadCapped: optional(flag('Whether there are more than `ahead`.')),
}

const doneBy = { by: optional(text('Who did it, where that is known; only of a single delivery.')) }

/** Why a delivery is in its state. */
export const deliveryReason = named(
  'DeliveryReason',
  byCode<Delivery['reason']>({
    in_flight: ['Its attempt is under way.', {}],
    requested: ['Somebody has asked for an attempt, which is made before all others.', { on: time() }],
    queued: ['It is due, and waits for its turn.', ahead],
    scheduled: [
      'The next attempt is made later.',
      {
        attempt: whole(1, MAX_ATTEMPTS, 'Which attempt that is.'),
        of: whole(1, MAX_ATTEMPTS, 'How many the schedule has.'),
        on: time(),
      },
    ],
    paused: [
      'The endpoint gets no attempt for a while.',
      {
        until: time(),
        cause: choice(CAUSES),
        failures: endpointFailures('The failures in a row that have led to it, the oldest first.'),
      },
    ],
    rate_limited: ["The endpoint's `rateLimit` is used up.", { until: time() }],
    predecessor: [
      'Another delivery of its ordering key comes before it.',
      { deliveryId: optional(text('The delivery whose turn it is; only of a single delivery.')), ...ahead },
    ],
    disabled: ['The endpoint is disabled.', { since: time(), reason: disabledReason, ...doneBy }],
    succeeded: ['The consumer responded with 2xx.', {}],
    attempts_exhausted: ['The last attempt of the schedule failed.', {}],
    gone: ['The consumer responded with 410 Gone.', {}],
    cancelled: ['Somebody cancelled it.', doneBy],
    endpoint_deleted: ['Its endpoint was deleted.', { on: time(), ...doneBy }],
    not_allowed: ['The application did not allow it.', {}],
    pull: ['Its endpoint has no URL: the message is there to be read.', {}],
  }),
)

/** What a resend would do. */
export const resendEffect = choice(
  ['sends', 'under_way', 'endpoint_disabled', 'endpoint_deleted', 'no_url'],
  'What a resend would do now: `sends` an attempt; `under_way`: nothing new; otherwise it is refused.',
)
