import { EventsError } from '@x/events-core'

/** What is wrong on the receiver's own side; see {@link ReceiverError}. */
export type ReceiverErrorCode =
  | 'body_consumed'
  | 'catch_up_failed'
  | 'handlers_failed'
  | 'inbox_unavailable'
  | 'schema_failed'
  | 'secrets_unavailable'
  | 'store_unavailable'
  | 'sync_unavailable'

/**
 * A fault of the receiver's own side: its configuration, its handlers, its place among other
 * middleware, the database of its inbox, its replay store. Answered with 500 or 503, so that the sender tries again.
 *
 * @example
 * ```ts
 * import { createReceiver, ReceiverError } from '@x/receiver'
 *
 * declare const receiver: ReturnType<typeof createReceiver>
 *
 * receiver.onError((error) => {
 *   if (ReceiverError.is(error) && error.code === 'body_consumed') process.exitCode = 1
 * })
 * ```
 */
export class ReceiverError extends EventsError<ReceiverErrorCode> {
  static override readonly errorName = 'ReceiverError'
}

/** The message of whatever was thrown, even of what refuses to be read. */
export function thrownText(thrown: unknown): string {
  try {
    return String(thrown instanceof Error ? thrown.message : thrown)
  } catch {
    return 'what was thrown has no text'
  }
}
