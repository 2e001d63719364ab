import { EventsError } from '@x/events-core'

/** The kind of an error, as `error.type` tells it: few values, and nothing of what the error is about. */
export function errorTypeOf(error: unknown): string {
  if (EventsError.is(error)) return error.code
  return error instanceof Error ? error.name : typeof error
}
