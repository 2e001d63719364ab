import { EventsError } from '@x/events-core'
import { storableText, textOf } from './storable-text.ts'

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
  | 'not_migrated'
  | 'schema_too_new'
  | 'duplicate_subscription'
  | 'unknown_subscription'
  | 'invalid_position'
  | 'invalid_capture'
  | 'position_expired'
  | 'lease_lost'
  | 'handler_timeout'
  | 'preparation_outdated'
  | 'stopped'
  | 'database_silent'
  | 'no_connection'

/** Thrown by everything in this package. Nothing was written when it is thrown. */
export class EventEngineError extends EventsError<EventEngineErrorCode> {
  static override readonly errorName = 'EventEngineError'
}

const MAX_SHOWN = 80

/** Shortens a value for a message: whoever reads it needs to recognise it, not all of it. */
export function shown(value: unknown): string {
  const text = typeof value === 'string' ? JSON.stringify(value.slice(0, MAX_SHOWN)) : textOf(value)
  return text.length > MAX_SHOWN ? `${storableText(text, MAX_SHOWN - 3)}...` : text
}
