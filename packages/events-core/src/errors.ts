const BRAND = Symbol.for('@x/events.error')

/** Options of {@link EventsError}. */
export interface EventsErrorOptions {
  readonly cause?: unknown
}

/**
 * The base of every error these packages throw. `code` is stable and meant for programs, `message`
 * for people: it says what was wrong, with which value, and what to do.
 *
 * @example
 * ```ts
 * import { EventsError } from '@x/events-core'
 *
 * function isBadInput(error: unknown): boolean {
 *   return EventsError.is(error) && error.code === 'invalid_argument'
 * }
 * ```
 */
export class EventsError<TCode extends string = string> extends Error {
  readonly code: TCode
  readonly [BRAND] = true

  constructor(code: TCode, message: string, options?: EventsErrorOptions) {
    super(message, options)
    this.name = new.target.name
    this.code = code
  }

  /** Whether a value is such an error, also when it comes from another copy of this package. */
  static is(value: unknown): value is EventsError {
    return typeof value === 'object' && value !== null && BRAND in value
  }
}
