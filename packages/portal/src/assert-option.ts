import { type Assertion, createAssertion, type FieldNames } from '@x/events-core'

/** Throws a TypeError unless an option of the portal is what it must be. */
export const assertOption: Assertion = createAssertion((option, expected, got) => {
  const name = option === '' ? 'options' : option
  return new TypeError(`The portal's ${name} must be ${expected}; got ${got}.`)
})

/** Asserts that options are there, and that they have none but known names. */
export function assertFields<TOptions extends object>(
  assert: Assertion,
  name: string,
  options: TOptions,
  known: FieldNames<TOptions>,
): void {
  assert(options !== undefined, name, 'a plain object', options)
  assert.fields(name, options, known)
}

/** Asserts that an option is left out, or a function. */
export function assertFunction(name: string, value: unknown): void {
  assertOption(value === undefined || typeof value === 'function', name, 'a function', value)
}
