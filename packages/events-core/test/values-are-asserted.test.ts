import { describe, expect, it } from 'vitest'
import { type Assertion, createAssertion, EventsError } from '../src/index.ts'

const assertOption: Assertion = createAssertion(
  (name, expected, got) => new EventsError('invalid_option', `${name} must be ${expected}; got ${got}.`),
)
const messageOf = (assertion: () => unknown) => {
  try {
    assertion()
  } catch (error) {
    return (error as Error).message
  }
  return undefined
}

describe('an assertion', () => {
  it('narrows what it has asserted', () => {
    const given: unknown = 'text'
    assertOption(typeof given === 'string', 'given', 'a text', given)
    expect(given.length).toBe(4)
  })

  it('returns what fits', () => {
    expect(assertOption.integer('count', 3, 1)).toBe(3)
    expect(assertOption.number('share', 0.5, 0, 1)).toBe(0.5)
    expect(assertOption.boolean('deliver', false)).toBe(false)
    expect(assertOption.oneOf('mode', 'b', ['a', 'b'])).toBe('b')
  })

  it.each<[string, () => unknown]>([
    [
      'given must be a text; got 4.',
      () => {
        assertOption(false, 'given', 'a text', 4)
      },
    ],
    ['count must be an integer from 1 to 2147483647; got 0.', () => assertOption.integer('count', 0, 1)],
    ['count must be an integer from 1 to 9; got 10.', () => assertOption.integer('count', 10, 1, 9)],
    ['count must be an integer from 1 to 9; got 1.5.', () => assertOption.integer('count', 1.5, 1, 9)],
    ['count must be an integer from 1 to 9; got "5".', () => assertOption.integer('count', '5', 1, 9)],
    [
      'id must be an integer; got NaN.',
      () => assertOption.integer('id', Number.NaN, Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER),
    ],
    ['share must be a number from 0 to 1; got NaN.', () => assertOption.number('share', Number.NaN, 0, 1)],
    ['share must be a number from 0 to 1; got "1".', () => assertOption.number('share', '1', 0, 1)],
    ['deliver must be true or false; got "yes".', () => assertOption.boolean('deliver', 'yes')],
    ["mode must be one of 'a', 'b'; got a list of 0.", () => assertOption.oneOf('mode', [], ['a', 'b'])],
  ])('says %s', (message, assertion) => {
    expect(messageOf(assertion)).toBe(message)
  })
})
