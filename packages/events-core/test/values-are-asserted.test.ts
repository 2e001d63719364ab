import { describe, expect, it } from 'vitest'
import { type Assertion, createAssertion, EventsError, isListOf } from '../src/index.ts'

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
    const bare: { a?: number } = Object.assign(Object.create(null), { a: 1 })
    for (const given of [{}, { a: 1 }, { a: undefined }, bare]) {
      expect(assertOption.fields<{ a?: number | undefined }>('', given, { a: true })).toBe(given)
    }
    expect(assertOption.fields<{ a: number | null }>('', { a: null }, { a: 'nullable' })).toEqual({ a: null })
    expect(assertOption.fields<object>('', undefined, {})).toEqual({})
    expect(assertOption.methods('clock', Date, ['now'])).toBe(Date)
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
    ['retry must be a plain object; got null.', () => assertOption.fields('retry', null as never, {})],
    [
      'retry must be a plain object; got an object.',
      () => assertOption.fields('retry', new Map(), {} as never),
    ],
    [
      'retry.most must be left out, since there is none of that name; there are a, b; got 5.',
      () => assertOption.fields('retry', { most: 5 } as never, { a: true, b: true } as never),
    ],
    [
      'a must be other than null; got null.',
      () => assertOption.fields('', { a: null } as never, { a: true }),
    ],
    [
      'clock must be an object with the methods now; got an object.',
      () => assertOption.methods<{ now?: unknown }>('clock', {}, ['now']),
    ],
  ])('says %s', (message, assertion) => {
    expect(messageOf(assertion)).toBe(message)
  })
})

it('looks at every member of a list, also at those that were never set', () => {
  const isNumber = (value: unknown) => typeof value === 'number'
  const sparse = [1, 2]
  sparse.length = 2 ** 32 - 1
  for (const list of [[], [1], [0, 1, 2]]) expect(isListOf(list, isNumber)).toBe(true)
  for (const other of [[1, '2'], sparse, new Array(1), [undefined], '12', { length: 0 }, new Set([1]), null])
    expect(isListOf(other, isNumber)).toBe(false)
})

it('shows neither what a misspelt name holds, which may be a secret, nor all of a long name', () => {
  const given = { encryptonKey: 'not to be logged' }
  const known = { encryptionKey: true } as never
  const message = messageOf(() => assertOption.fields('', given, known))
  expect(message).toContain('encryptonKey must be left out')
  expect(message).not.toContain('not to be logged')
  const text = messageOf(() => assertOption.fields('', 'not to be logged' as never, known))
  expect(text).toBe(' must be a plain object; got a text.')
  const long = messageOf(() => assertOption.fields('', { ['x'.repeat(1_000_000)]: 1 }, known))
  expect(long?.length).toBeLessThan(300)
})
