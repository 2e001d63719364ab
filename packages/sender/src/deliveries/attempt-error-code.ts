/**
 * Why an attempt failed, for programs. `dns_unavailable`, `network_unreachable`, `out_of_resources`,
 * `not_permitted`, `check_failed`, `aborted`, `proxy_unavailable`, `proxy_unauthorized` and `proxy_connect_failed` are, or may be, this
 * side's fault; then the attempt does not count. The README explains each code.
 */
export type AttemptErrorCode =
  | 'http_status'
  | 'redirect'
  | 'gone'
  | 'timeout'
  | 'connect_timeout'
  | 'connection_refused'
  | 'connection_lost'
  | 'dns_failure'
  | 'dns_unavailable'
  | 'network_unreachable'
  | 'out_of_resources'
  | 'not_permitted'
  | 'not_allowed'
  | 'check_failed'
  | 'aborted'
  | 'tls_failure'
  | 'forbidden_address'
  | 'forbidden_url'
  | 'proxy_unavailable'
  | 'proxy_unauthorized'
  | 'proxy_connect_failed'
  | 'invalid_response'
  | 'network_error'

const CODES: Readonly<Record<AttemptErrorCode, true>> = {
  http_status: true,
  redirect: true,
  gone: true,
  timeout: true,
  connect_timeout: true,
  connection_refused: true,
  connection_lost: true,
  dns_failure: true,
  dns_unavailable: true,
  network_unreachable: true,
  out_of_resources: true,
  not_permitted: true,
  not_allowed: true,
  check_failed: true,
  aborted: true,
  tls_failure: true,
  forbidden_address: true,
  forbidden_url: true,
  proxy_unavailable: true,
  proxy_unauthorized: true,
  proxy_connect_failed: true,
  invalid_response: true,
  network_error: true,
}

export const ATTEMPT_ERROR_CODES = Object.keys(CODES) as AttemptErrorCode[]
