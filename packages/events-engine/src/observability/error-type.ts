import { EventsError } from '@x/events-core'
import { storableText } from '../util/storable-text.ts'

const MAX_LENGTH = 100

/** The kind of an error, as `error.type` tells it: few values, and nothing of what the error is about. */
export function errorTypeOf(error: unknown): string {
  try {
    if (EventsError.is(error)) return error.code
    return error instanceof Error ? storableText(String(error.name), MAX_LENGTH) : typeof error
  } catch {
    return 'unreadable'
  }
}
