import { EventsError, type EventsErrorOptions } from '@x/events-core'

export { shown } from '@x/events-core'

/** What a {@link WebhookSenderError} can be about. */
export type WebhookSenderErrorCode =
  | 'invalid_option'
  | 'invalid_argument'
  | 'invalid_endpoint'
  | 'invalid_url'
  | 'forbidden_address'
  | 'invalid_secret'
  | 'invalid_certificate'
  | 'invalid_filter'
  | 'invalid_event_type'
  | 'event_type_conflict'
  | 'too_many_endpoints'
  | 'endpoint_not_found'
  | 'endpoint_disabled'
  | 'ownership_not_proved'
  | 'delivery_not_found'
  | 'delivery_cancelled'
  | 'delivery_not_pending'
  | 'job_not_found'
  | 'version_conflict'
  | 'message_too_large'
  | 'render_failed'
  | 'invalid_payload'
  | 'wrong_encryption_key'
  | 'not_migrated'
  | 'not_running'

/** Options of {@link WebhookSenderError}. */
export interface WebhookSenderErrorOptions extends EventsErrorOptions {
  /** The field of the input that was wrong: what a form marks. */
  readonly field?: string | undefined
  /** What only the host's author can do about it: ends the message, and is no part of `detail`. */
  readonly remedy?: string | undefined
}

/** Thrown by everything in this package. Nothing was written when it is thrown. */
export class WebhookSenderError extends EventsError<WebhookSenderErrorCode> {
  static override readonly errorName = 'WebhookSenderError'

  /** The field of the input that was wrong, such as `url` or `headers.authorization`. */
  readonly field: string | undefined
  /** The message for whoever uses the host, a tenant say: without what only the host's author can do. */
  readonly detail: string

  constructor(code: WebhookSenderErrorCode, detail: string, options: WebhookSenderErrorOptions = {}) {
    super(code, options.remedy === undefined ? detail : `${detail} ${options.remedy}`, options)
    this.field = options.field
    this.detail = detail
  }
}
