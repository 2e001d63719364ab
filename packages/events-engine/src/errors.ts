import { EventsError } from '@x/events-core'

export { shown } from '@x/events-core'

/** What an {@link EventEngineError} can be about. */
export type EventEngineErrorCode =
  | 'invalid_option'
  | 'invalid_argument'
  | 'invalid_data'
  | 'data_too_large'
  | 'not_a_transaction'
  | 'wrong_database'
  | 'trx_required'
  | 'unsupported_dialect'
  | 'unsupported_driver'
  | 'unreadable_value'
  | 'not_migrated'
  | 'read_only_database'
  | 'schema_too_new'
  | 'duplicate_subscription'
  | 'unknown_subscription'
  | 'event_not_parked'
  | 'invalid_position'
  | 'invalid_capture'
  | 'position_expired'
  | 'lease_lost'
  | 'handler_timeout'
  | 'preparation_outdated'
  | 'stopped'
  | 'database_silent'
  | 'no_connection'
  | 'transaction_aborted'

/** Thrown by everything in this package. Nothing was written when it is thrown. */
export class EventEngineError extends EventsError<EventEngineErrorCode> {
  static override readonly errorName = 'EventEngineError'
}
