import { EventsError } from '@x/events-core'
import type { EventEngineErrorCode, WebhookSenderErrorCode } from '@x/sender'

/**
 * What an error of the engine or the sender is to whoever has sent the request: 503 stands for what the host's author
 * or operator has to put right, so that its message is for them.
 */
export type ErrorStatus = 400 | 404 | 409 | 413 | 429 | 503

type ErrorCode = WebhookSenderErrorCode | EventEngineErrorCode

const STATUS: Readonly<Record<ErrorCode, ErrorStatus>> = {
  invalid_argument: 400,
  invalid_endpoint: 400,
  invalid_url: 400,
  invalid_secret: 400,
  invalid_certificate: 400,
  invalid_filter: 400,
  invalid_event_type: 400,
  invalid_position: 400,
  invalid_data: 400,
  forbidden_address: 400,
  endpoint_not_found: 404,
  delivery_not_found: 404,
  event_not_found: 404,
  job_not_found: 404,
  unknown_subscription: 404,
  event_not_parked: 404,
  version_conflict: 409,
  key_not_found: 404,
  too_many_endpoints: 409,
  too_many_keys: 409,
  too_many_secrets: 409,
  too_many_tries: 429,
  no_sequence: 409,
  no_url: 409,
  endpoint_disabled: 409,
  ownership_not_proved: 409,
  delivery_cancelled: 409,
  delivery_not_pending: 409,
  position_expired: 409,
  messages_gone: 409,
  data_too_large: 413,
  invalid_option: 503,
  event_type_conflict: 503,
  message_too_large: 503,
  render_failed: 503,
  invalid_payload: 503,
  check_failed: 503,
  wrong_encryption_key: 503,
  not_migrated: 503,
  not_running: 503,
  not_a_transaction: 503,
  wrong_database: 503,
  trx_required: 503,
  unsupported_dialect: 503,
  unsupported_driver: 503,
  unreadable_value: 503,
  schema_too_new: 503,
  duplicate_subscription: 503,
  invalid_capture: 503,
  lease_lost: 503,
  handler_timeout: 503,
  preparation_outdated: 503,
  stopped: 503,
  database_silent: 503,
  no_connection: 503,
  read_only_database: 503,
  transaction_aborted: 503,
}

/**
 * The HTTP status that an error of the engine or the sender stands for; undefined for any other error.
 *
 * @example
 * ```ts
 * import { statusOfError } from '@x/portal'
 *
 * function answerTo(error: unknown): Response {
 *   const status = statusOfError(error)
 *   const isTheirs = status !== undefined && status !== 503
 *   return new Response(isTheirs ? String(error) : 'Try again later.', { status: status ?? 500 })
 * }
 * ```
 */
export function statusOfError(error: unknown): ErrorStatus | undefined {
  if (!EventsError.is(error) || !Object.hasOwn(STATUS, error.code)) return undefined
  return STATUS[error.code as ErrorCode]
}
