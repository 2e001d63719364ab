import { pluralOf } from './plural.ts'
import type { ReasonTexts } from './reason-texts.ts'

const plural = pluralOf('en')
const aheadOf = (count: number | undefined, isCapped: boolean) =>
  count === undefined ? '' : ` behind ${isCapped ? 'more than ' : ''}${plural(count, 'other', 'others')}`

/** In English. */
export const reasons: ReasonTexts = {
  reasons: {
    in_flight: 'The attempt is under way.',
    requested: (when) => `An attempt was requested. It will be made ${when}, before all others.`,
    queued: (ahead, isCapped) => `It is due and waits for its turn${aheadOf(ahead, isCapped)}.`,
    scheduled: (attempt, of, on) => `Attempt ${attempt} of ${of} will be made ${on}.`,
    paused: (until, why) => `The endpoint is paused until ${until}, because ${why}.`,
    rate_limited: (until) => `The rate limit of the endpoint is reached. It continues ${until}.`,
    predecessor: (ahead, isCapped) =>
      ahead === undefined
        ? 'It waits for the delivery before it, since this endpoint is delivered in order.'
        : `It waits${aheadOf(ahead, isCapped)}, since this endpoint is delivered in order.`,
    disabled: (since) =>
      `The endpoint has been disabled since ${since}. The delivery continues when it is enabled.`,
    succeeded: 'Your server confirmed it.',
    attempts_exhausted: 'All attempts failed. It is not tried again by itself.',
    gone: 'Your server responded with 410 Gone, so nothing more is sent to it.',
    cancelled: 'It was cancelled by a person.',
    endpoint_deleted: (on) => `It ended when the endpoint was deleted on ${on}.`,
    not_allowed: 'This event may not be sent to this endpoint.',
    pull: 'It is kept until your application reads it.',
  },
  health: {
    healthy: 'Webhooks arrive at this endpoint.',
    pull: 'Messages are kept until your application reads them.',
    unverified: 'Not verified: nothing is sent until its receiver is verified.',
    failing: (since, why) => `Failing since ${since}: ${why}. Deliveries are retried.`,
    paused: (until, why) => `Paused until ${until}, because ${why}. Then one delivery is tried first.`,
    retryAfter: (until) => `Paused until ${until}, because your server asked for it (Retry-After).`,
    senderFault: (until) => `Paused until ${until}, because the network on our side is disturbed.`,
    rateLimited: (until) => `The rate limit is reached. Deliveries continue ${until}.`,
    disablesOn: (on) => `If nothing succeeds until ${on}, the endpoint is disabled.`,
    waiting: 'Waiting',
    oldest: 'Oldest',
    next: 'Next attempt',
    lastErrors: 'Last failures',
    tryNow: 'Try now',
    disabled: {
      manual: (on) => `Disabled since ${on}. Nothing is sent until it is enabled.`,
      unverified: (on) => `Not verified since ${on}. Nothing is sent until its receiver is verified.`,
      gone: (on) => `Disabled since ${on}, because your server responded with 410 Gone.`,
      failing: (on) =>
        `Disabled since ${on}, because no attempt had succeeded for days. Repair it, enable it, then send again what it has missed.`,
    },
  },
  doneBy: (name) => `Done by ${name}.`,
  failures: (count, causes) =>
    count === 1 ? `the last attempt failed (${causes})` : `the last ${count} attempts failed (${causes})`,
  more: (count, isCapped) => `${isCapped ? 'more than ' : ''}${plural(count, '', '').trim()}`,
  attemptErrorNames: {
    http_status: 'error status',
    redirect: 'redirect',
    gone: 'gone',
    timeout: 'timeout',
    connect_timeout: 'connect timeout',
    connection_refused: 'connection refused',
    connection_lost: 'connection lost',
    dns_failure: 'host not found',
    dns_unavailable: 'name lookup failed',
    network_unreachable: 'network unreachable',
    out_of_resources: 'postponed',
    not_permitted: 'not permitted',
    not_allowed: 'not allowed',
    check_failed: 'check failed',
    aborted: 'stopped',
    tls_failure: 'TLS error',
    forbidden_address: 'private address',
    forbidden_url: 'URL not allowed',
    proxy_unavailable: 'proxy unavailable',
    proxy_unauthorized: 'proxy refused',
    proxy_connect_failed: 'proxy could not connect',
    invalid_response: 'invalid response',
    network_error: 'network error',
  },
}
