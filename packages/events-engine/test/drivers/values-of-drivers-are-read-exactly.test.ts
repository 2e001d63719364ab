import fc from 'fast-check'
import { expect, it } from 'vitest'
import { EventEngineError } from '../../src/index.ts'
import { bigInteger, flag, integer, json, nullable, real, text, word } from '../../src/internal.ts'

const codeOf = (work: () => unknown): unknown => {
  try {
    return work()
  } catch (error) {
    return error instanceof EventEngineError ? error.code : error
  }
}
/** As libraries for decimals make them. */
const decimal = (digits: string) => ({ toString: () => digits })

it('reads a whole number from whatever it was made of, and never another one', () => {
  fc.assert(
    fc.property(fc.maxSafeInteger(), (number) => {
      for (const given of [number, BigInt(number), String(number), decimal(String(number))]) {
        expect(integer(given, 'n')).toBe(number === 0 ? Math.abs(number) : number)
        expect(bigInteger(given, 'n')).toBe(BigInt(number))
        expect(real(given, 'n') + 0).toBe(number + 0)
      }
    }),
  )
})

it('refuses what a number cannot hold, and keeps it as a BigInt', () => {
  fc.assert(
    fc.property(fc.bigInt({ min: 2n ** 53n, max: 2n ** 64n }), fc.boolean(), (magnitude, isNegative) => {
      const value = isNegative ? -magnitude : magnitude
      for (const given of [value, String(value), decimal(String(value))]) {
        expect(codeOf(() => integer(given, 'n'))).toBe('unreadable_value')
        expect(bigInteger(given, 'n')).toBe(value)
      }
      // A number would have lost precision.
      expect(codeOf(() => integer(Number(value), 'n'))).toBe('unreadable_value')
      expect(codeOf(() => bigInteger(Number(value), 'n'))).toBe('unreadable_value')
    }),
  )
})

it.each([true, 1, 1n, '1', 't', 'true'])('reads %o as true', (value) => expect(flag(value, 'f')).toBe(true))
it.each([false, 0, 0n, '0', 'f', 'false'])('reads %o as false', (value) =>
  expect(flag(value, 'f')).toBe(false),
)

it.each([
  [
    'a whole number',
    integer,
    [1.5, Number.NaN, '', ' ', '1.5', '1e3', '0x1', 'one', true, null, undefined, {}, new Date(0)],
  ],
  ['a large whole number', bigInteger, [1.5, 2 ** 53, '', '1.5', 'one', null, undefined, {}]],
  ['a number', real, ['', ' ', 'one', null, undefined, {}]],
  ['true or false', flag, [2, '', 'yes', null, undefined, {}]],
  ['a text', text, [1, null, undefined, {}, Buffer.from('text')]],
  ['one of some words', word(), [1, null, undefined]],
  ['JSON', json(), [null, undefined]],
  ['a text or null', nullable(text), [1, undefined]],
])('refuses what is not %s', (_, column, values) => {
  for (const value of values) expect(codeOf(() => column(value, 'c'))).toBe('unreadable_value')
})

it('takes JSON as text and as the driver has parsed it', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const written = JSON.stringify(value)
      const expected = JSON.parse(written)
      expect(json()(written, 'j')).toEqual(expected)
      if (value !== null && typeof value !== 'string') expect(json()(expected, 'j')).toEqual(expected)
    }),
  )
})

it('says in its message which column it was, and what came', () => {
  expect(() => integer('12a', 'epoch')).toThrow(
    'The driver of options.db gives "12a" (string) for the column "epoch", which is to be a whole number.',
  )
  expect(() => text(undefined, 'tenant_id')).toThrow('gives no column "tenant_id"')
})
