import { type Assertion, createAssertion, isStorableDate, type Logger } from '@x/events-core'
import { EventEngineError, type EventEngineErrorCode } from '../errors.ts'

function createEngineAssertion(
  code: EventEngineErrorCode,
  call: string,
  nameOf: (name: string) => string,
): Assertion {
  return createAssertion(
    (name, expected, got) =>
      new EventEngineError(code, `${call}: ${nameOf(name)} must be ${expected}; got ${got}.`),
  )
}

/** Creates the assertions about the options of a call: `invalid_option`, or another code. */
export function createOptionAssertion(
  call: string,
  code: EventEngineErrorCode = 'invalid_option',
): Assertion {
  return createEngineAssertion(code, call, (name) => (name === '' ? 'options' : `options.${name}`))
}

/** Creates the assertions about the arguments of a call: `invalid_argument`, or another code. */
export function createArgumentAssertion(
  call: string,
  code: EventEngineErrorCode = 'invalid_argument',
): Assertion {
  return createEngineAssertion(code, call, (name) => (name === '' ? 'options' : name))
}

/** What a logger has to have; without one of them, it would be silent. */
export const LOGGER_METHODS: readonly (keyof Logger)[] = ['debug', 'info', 'warn', 'error']

/** Asserts that a value is an integer that JavaScript holds exactly. */
export function assertInteger(assert: Assertion, name: string, value: unknown): number {
  return assert.integer(name, value, Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER)
}

/** Asserts that a value is a date that both databases and the sync API can write. */
export function assertDate(assert: Assertion, name: string, value: unknown): asserts value is Date {
  assert(isStorableDate(value), name, 'a valid Date of the years 1 to 9999', value)
}
