import type { AlertTexts } from './alert-texts.ts'

/** In English. */
export const en: AlertTexts = {
  subjects: {
    failing: (url) => `Webhooks to ${url} are failing`,
    disabled: (url) => `The webhook endpoint ${url} was disabled`,
    exhausted: (url) => `Webhooks to ${url} have failed`,
    recovered: (url) => `Webhooks to ${url} succeed again`,
    test: () => 'Test of webhook alerts',
  },
  noSuccessSince: (time) => `No request has succeeded since ${time}.`,
  willBeDisabled: (time) => `The endpoint will be disabled on ${time}, unless one succeeds before.`,
  disabled: {
    gone: (time) => `Disabled since ${time}: it has responded with 410 Gone.`,
    failing: (time) => `Disabled since ${time}: it was failing for too long.`,
    unverified: (time) => `Disabled since ${time}: it is not verified who owns it.`,
    manual: (time) => `Disabled since ${time}.`,
  },
  getsNothing: 'It gets nothing until it is enabled.',
  exhausted: (count, shownCount, time) =>
    count === 1
      ? `A delivery has failed for the last time, on ${time}.`
      : `${shownCount} deliveries have failed for the last time since ${time}.`,
  isNotRetried: (count) =>
    count === 1
      ? 'It is not retried; it can be sent again.'
      : 'They are not retried; they can be sent again.',
  succeedsSince: (time) => `Requests succeed again since ${time}.`,
  test: 'This is a test: alerts about webhooks arrive here.',
  open: 'Open',
  lastError: (what, time) => `Last error: ${what}, on ${time}`,
  errors: {
    http_status: 'error status',
    redirect: 'redirect',
    gone: '410 Gone',
    timeout: 'no response in time',
    connect_timeout: 'no connection in time',
    connection_refused: 'connection refused',
    connection_lost: 'connection closed before the response',
    dns_failure: 'host name not found',
    dns_unavailable: 'host name could not be looked up',
    network_unreachable: 'network unreachable',
    out_of_resources: 'the attempt could not be made',
    not_permitted: 'connection not permitted',
    not_allowed: 'event not allowed for this endpoint',
    check_failed: 'it could not be checked whether the event is allowed',
    aborted: 'attempt stopped before its end',
    tls_failure: 'no secure connection',
    forbidden_address: 'private or reserved address',
    forbidden_url: 'URL not allowed',
    proxy_unavailable: 'proxy unreachable',
    proxy_unauthorized: 'proxy refused access',
    proxy_connect_failed: 'proxy could not connect',
    invalid_response: 'invalid response',
    network_error: 'connection failed',
  },
}
