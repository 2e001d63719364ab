import { shown } from './shown.ts'

/** Beyond it, timers of browsers and Node fire at once, and integers do not fit their column. */
const MAX_INTEGER = 2 ** 31 - 1
/** The most that an error shows of a name that is not known: its giver decides how long it is. */
const MAX_NAME_LENGTH = 100

/** Throws unless a value is what it must be. Made by {@link createAssertion}. */
export interface Assertion {
  /**
   * @param fits - whether the value is what it must be.
   * @param name - the option, argument or field, such as `retention.keepMs`; empty for all of them together.
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
  /**
   * For an object whose members may all be left out, so that one that is misspelt would have no effect.
   * The error shows no text, since that may be a secret.
   *
   * @param known - the names that it may have, all of them: a {@link FieldNames}.
   * @returns the value: a plain object with none but these names, and null where the type has it; an empty one for undefined.
   */
  fields<TValue extends object>(
    name: string,
    value: TValue | undefined,
    known: Readonly<Record<keyof TValue, true | 'nullable'>>,
  ): TValue
  /** @returns the value: an object that has these methods, such as a clock. */
  methods<TValue>(name: string, value: TValue, methods: readonly (keyof TValue & string)[]): TValue
}

/**
 * The names of the members of a type, all of them: one that is added to the type has to be added here, too. `'nullable'`
 * where the type has null.
 */
export type FieldNames<TValue> = {
  readonly [TName in keyof TValue]-?: null extends TValue[TName] ? 'nullable' : true
}

/**
 * Creates the assertions about one kind of input, so that every package validates in the same way and throws an
 * error of its own.
 *
 * @param createError - makes the error, of the name, what it must be, and the value as it may be shown. The name is empty
 *   where all options, arguments or fields together are no object.
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
    fields<TValue extends object>(
      name: string,
      value: TValue | undefined,
      known: Readonly<Record<keyof TValue, true | 'nullable'>>,
    ) {
      if (value === undefined) return {} as TValue
      if (!isPlainObject(value)) throw createError(name, 'a plain object', kindOf(value))
      for (const member of Object.keys(value) as (keyof TValue & string)[]) {
        const isKnown = Object.hasOwn(known, member)
        if (isKnown && (known[member] === 'nullable' || value[member] !== null)) continue
        const place = `${name === '' ? '' : `${name}.`}${member.slice(0, MAX_NAME_LENGTH)}`
        if (isKnown) assert(false, place, 'other than null', null)
        const names = Object.keys(known).join(', ')
        const expected = `left out, since there is none of that name; there are ${names}`
        throw createError(place, expected, kindOf(value[member]))
      }
      return value
    },
    methods<TValue>(name: string, value: TValue, methods: readonly (keyof TValue & string)[]) {
      const has = (method: keyof TValue & string) => typeof Object(value)[method] === 'function'
      if (!methods.every(has)) {
        assert(false, name, `an object with the methods ${methods.join(', ')}`, value)
      }
      return value
    },
  })
}

/** Whether a value is an object of names and values, of whatever realm; `Headers`, `Map` or `Date` would look like an empty one. */
export function isPlainObject(value: unknown): value is Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === null || Object.getPrototypeOf(prototype) === null
}

/** Whether a value is a list all of whose members pass a test. A hole is a member, too: `every` would skip it. */
export function isListOf<TMember>(
  value: unknown,
  test: (member: unknown) => member is TMember,
): value is readonly TMember[]
export function isListOf(value: unknown, test: (member: unknown) => boolean): value is readonly unknown[]
export function isListOf(value: unknown, test: (member: unknown) => boolean): value is readonly unknown[] {
  if (!Array.isArray(value)) return false
  for (const member of value) if (!test(member)) return false
  return true
}

/** Shows a value without its text: that of a misspelt name, or in place of an object, may be a secret. */
function kindOf(value: unknown): string {
  return typeof value === 'string' ? 'a text' : shown(value)
}

function isBetween(value: unknown, minimum: number, maximum: number): boolean {
  return (value as number) >= minimum && (value as number) <= maximum
}
