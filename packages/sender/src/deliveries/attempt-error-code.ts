/**
 * Why an attempt failed, for programs. `dns_unavailable`, `network_unreachable`, `out_of_resources`,
 * `not_permitted`, `check_failed`, `aborted`, `proxy_unavailable`, `proxy_unauthorized` and `proxy_connect_failed` are, or may be, this
 * side's fault; then the attempt does not count. The README explains each code.
 */
export type AttemptErrorCode = (typeof ATTEMPT_ERROR_CODES)[number]

export const ATTEMPT_ERROR_CODES = [
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
] as const
