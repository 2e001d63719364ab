import { type Assertion, type Clock, createAssertion, EventsError, type FieldNames } from '@x/events-core'

function createReceiverAssertion(call: string, nameOf: (name: string) => string): Assertion {
  return createAssertion(
    (name, expected, got) =>
      new EventsError('invalid_argument', `${call}: ${nameOf(name)} must be ${expected}; got ${got}`),
  )
}

/** Creates the assertions about the options of a call: `invalid_argument`. */
export function createOptionAssertion(call: string): Assertion {
  return createReceiverAssertion(call, (name) => (name === '' ? 'options' : `options.${name}`))
}

/** Creates the assertions about the arguments of a call, and about options that it has no others beside. */
export function createArgumentAssertion(call: string): Assertion {
  return createReceiverAssertion(call, (name) => (name === '' ? 'options' : name))
}

/** Asserts that options are an object, before it is known which names they may have. */
export function assertObject<TOptions extends object>(assert: Assertion, options: TOptions): void {
  assertFields(assert, options, Object(options))
}

/** Asserts that options are there, and that they have none but known names. */
export function assertFields<TOptions extends object>(
  assert: Assertion,
  options: TOptions,
  known: FieldNames<TOptions>,
): void {
  assert(options !== undefined, '', 'a plain object', options)
  assert.fields('', options, known)
}

/** Asserts that a value is left out, or a function. */
export function assertFunction(assert: Assertion, name: string, value: unknown): void {
  assert(value === undefined || typeof value === 'function', name, 'a function', value)
}

/** Asserts that a clock is left out, or tells the time. */
export function assertClock(assert: Assertion, clock: Clock | undefined): void {
  if (clock !== undefined) assert.methods('clock', clock, ['now'])
}
