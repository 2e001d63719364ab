import { shown } from './shown.ts'

/** Beyond it, timers of browsers and Node fire at once, and integers do not fit their column. */
const MAX_INTEGER = 2 ** 31 - 1

/** Throws unless a value is what it must be. Made by {@link createAssertion}. */
export interface Assertion {
  /**
   * @param fits - whether the value is what it must be.
   * @param name - the option, argument or field, such as `retention.keepMs`.
   * @param expected - what it must be, such as `a function`.
   */
  (fits: boolean, name: string, expected: string, value: unknown): asserts fits
  /**
   * @param maximum - 2147483647 by default.
   * @returns the value.
   */
  integer(name: string, value: unknown, minimum: number, maximum?: number): number
  /** @returns the value: any finite number of the range. */
  number(name: string, value: unknown, minimum: number, maximum: number): number
  /** @returns the value: true or false. */
  boolean(name: string, value: unknown): boolean
  /** @returns the value: one of the choices. */
  oneOf<TChoice extends string>(name: string, value: unknown, choices: readonly TChoice[]): TChoice
}

/**
 * Creates the assertions about one kind of input, so that every package validates in the same way and throws an
 * error of its own.
 *
 * @param createError - makes the error, of the name, what it must be, and the value as it may be shown.
 * @example
 * ```ts
 * import { type Assertion, createAssertion, EventsError } from '@x/events-core'
 *
 * // The type must stand here, so that TypeScript narrows by what is asserted.
 * const assertOption: Assertion = createAssertion(
 *   (name, expected, got) =>
 *     new EventsError('invalid_option', `openQueue: options.${name} must be ${expected}; got ${got}.`),
 * )
 *
 * function openQueue(options: { timeoutMs?: number; onError?: () => void }) {
 *   const { onError = () => {} } = options
 *   assertOption(typeof onError === 'function', 'onError', 'a function', onError)
 *   return { onError, timeoutMs: assertOption.integer('timeoutMs', options.timeoutMs ?? 1_000, 1) }
 * }
 * ```
 */
export function createAssertion(
  createError: (name: string, expected: string, got: string) => Error,
): Assertion {
  const assert: (fits: boolean, name: string, expected: string, value: unknown) => asserts fits = (
    fits,
    name,
    expected,
    value,
  ) => {
    if (!fits) throw createError(name, expected, shown(value))
  }

  // Texts are made for the error alone: some of these run for every event.
  return Object.assign(assert, {
    integer(name: string, value: unknown, minimum: number, maximum = MAX_INTEGER) {
      if (!Number.isSafeInteger(value) || !isBetween(value, minimum, maximum)) {
        const isAny = minimum === Number.MIN_SAFE_INTEGER && maximum === Number.MAX_SAFE_INTEGER
        assert(false, name, isAny ? 'an integer' : `an integer from ${minimum} to ${maximum}`, value)
      }
      return value as number
    },
    number(name: string, value: unknown, minimum: number, maximum: number) {
      if (!Number.isFinite(value) || !isBetween(value, minimum, maximum)) {
        assert(false, name, `a number from ${minimum} to ${maximum}`, value)
      }
      return value as number
    },
    boolean(name: string, value: unknown) {
      assert(typeof value === 'boolean', name, 'true or false', value)
      return value
    },
    oneOf<TChoice extends string>(name: string, value: unknown, choices: readonly TChoice[]) {
      if (!choices.includes(value as TChoice)) {
        assert(false, name, `one of ${choices.map((choice) => `'${choice}'`).join(', ')}`, value)
      }
      return value as TChoice
    },
  })
}

function isBetween(value: unknown, minimum: number, maximum: number): boolean {
  return (value as number) >= minimum && (value as number) <= maximum
}
