import { EventsError } from '@x/events-core'

/** Why a webhook was refused; see {@link WebhookVerificationError}. */
export type WebhookVerificationCode =
  | 'missing_header'
  | 'invalid_header'
  | 'invalid_timestamp'
  | 'timestamp_too_old'
  | 'timestamp_too_new'
  | 'invalid_signature'
  | 'no_matching_signature'
  | 'invalid_body'
  | 'invalid_payload'
  | 'body_too_large'

/**
 * A webhook that did not prove where it comes from, or that cannot be read. What arrived is to
 * blame, never the configuration: answer it with a status of the 400s and forget it.
 *
 * Use `WebhookVerificationError.is(error)` rather than `instanceof` where two copies of this package
 * may be installed.
 *
 * @example
 * ```ts
 * import { WebhookVerificationError } from '@x/receiver'
 *
 * const statusOf = (error: unknown) => (WebhookVerificationError.is(error) ? 401 : 500)
 * ```
 */
export class WebhookVerificationError extends EventsError<WebhookVerificationCode> {
  static override readonly errorName = 'WebhookVerificationError'
}

/** What is wrong with a key; see {@link WebhookKeyError}. */
export type WebhookKeyCode = 'invalid_key' | 'wrong_key_kind'

/**
 * A secret or key that cannot be used. Thrown where the key is configured, so that a bad one stops
 * the start instead of every request. The message never contains the key.
 */
export class WebhookKeyError extends EventsError<WebhookKeyCode> {
  static override readonly errorName = 'WebhookKeyError'
}
