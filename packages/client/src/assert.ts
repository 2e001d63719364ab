import { isPlainObject } from '@x/events-core'
import { SyncClientError } from './errors.ts'

// Not `createAssertion`: this is part of what an application loads.

/** What an option must be, in words and as a test; whether it must be there. */
export type Rule = readonly [...OptionalRule, isNeeded?: true]

type OptionalRule = readonly [expected: string, fits: (value: unknown) => unknown]

/** A rule for each member of a type, all of them: one that is added to the type has to be added here, too. */
export type Rules<TOptions> = Readonly<Record<keyof TOptions, Rule>>

/** The error for an option that is not what it must be; the name is empty for all of them together. */
export function invalidOption(call: string, name: string, expected: string, value: unknown): SyncClientError {
  const got =
    typeof value === 'string' ? JSON.stringify(value) : Object(value) === value ? typeof value : value
  return new SyncClientError(
    'invalid_option',
    `${call}: options${name && `.${name}`} must be ${expected}; got ${String(got)}`,
  )
}

/**
 * Asserts that the options of a call are a plain object with none but known names, and what they must be.
 *
 * @throws {@link SyncClientError} `invalid_option`.
 */
export function assertOptions<TOptions extends object>(
  call: string,
  options: TOptions,
  rules: Rules<TOptions>,
): void {
  if (!isPlainObject(options)) throw invalidOption(call, '', 'a plain object', options)
  for (const name of Object.keys({ ...rules, ...options })) {
    const value = options[name]
    if (!Object.hasOwn(rules, name)) {
      const names = Object.keys(rules).join(', ')
      const expected = `left out, since there is none of that name; there are ${names}`
      // It may be a secret under a misspelt name, so that its kind alone is told.
      throw invalidOption(call, name, expected, typeof value)
    }
    const [expected, fits, isNeeded] = rules[name as keyof TOptions]
    if ((isNeeded || value !== undefined) && !fits(value)) throw invalidOption(call, name, expected, value)
  }
}

export const isFunction = (value: unknown): boolean => typeof value === 'function'

/** The rule for an object of which these methods are called. */
export const hasMethods = (...methods: readonly string[]): OptionalRule => [
  `an object with ${methods.join(' and ')}`,
  (value) => methods.every((method) => isFunction(Object(value)[method])),
]
