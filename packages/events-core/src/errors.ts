const BRAND = Symbol.for('@x/events.error')

/** Options of {@link EventsError}. */
export interface EventsErrorOptions {
  readonly cause?: unknown
}

/** A class of errors, as `is` looks at it: {@link EventsError} or one that extends it. */
export interface EventsErrorClass<TError extends EventsError> {
  readonly errorName: string
  readonly prototype: TError
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
  /**
   * The name of the class, by which `is` knows its errors from another copy of the package. Each class
   * declares its own: a minifier may rename the class itself.
   */
  static readonly errorName: string = 'EventsError'

  readonly code: TCode
  readonly [BRAND]: Named

  constructor(code: TCode, message: string, options?: EventsErrorOptions) {
    super(message, options)
    this.name = errorNameOf(new.target)
    this.code = code
    this[BRAND] = new.target
  }

  /**
   * Whether a value is an error of the class that is asked, or of one that extends it; also when it
   * comes from another copy of the package.
   */
  static is<TError extends EventsError = EventsError>(
    this: EventsErrorClass<TError>,
    value: unknown,
  ): value is TError {
    try {
      // A brand that names no class is that of a copy which knew the base alone.
      let one = (value as Branded | undefined)?.[BRAND]
      for (one = one === true ? EventsError : one; one; one = Object.getPrototypeOf(one)) {
        // biome-ignore lint/complexity/noThisInStatic: the class that is asked, which may be one below this.
        if (errorNameOf(one as Named) === errorNameOf(this)) return true
      }
    } catch {
      // Anything may have been thrown, also what refuses to be looked at.
    }
    return false
  }
}

interface Named {
  readonly errorName: string
  readonly name?: string
}

interface Branded {
  readonly [BRAND]?: true | Named
}

/** A class that declares no name of its own must not go by that of its parent. */
function errorNameOf(one: Named): string {
  return Object.hasOwn(one, 'errorName') ? one.errorName : `${one.name}`
}
