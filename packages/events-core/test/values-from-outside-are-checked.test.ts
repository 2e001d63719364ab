import { expect, it } from 'vitest'
import { formatSyncDate, isStorableDate, parseSyncDate, shown } from '../src/index.ts'

it('takes the dates of the years 1 to 9999, and no other', () => {
  for (const text of ['0001-01-01T00:00:00.000Z', '1970-01-01T00:00:00.000Z', '9999-12-31T23:59:59.999Z'])
    expect(isStorableDate(new Date(text))).toBe(true)
  for (const time of [
    '0000-12-31T23:59:59.999Z',
    '+010000-01-01T00:00:00.000Z',
    Number.NaN,
    8.64e15,
    -8.64e15,
  ])
    expect(isStorableDate(new Date(time))).toBe(false)
  for (const value of [undefined, null, 0, '2026-01-01', {}, { getTime: () => 0 }])
    expect(isStorableDate(value)).toBe(false)
})

it('reads every date that it takes in the sync API as it was written', () => {
  for (let time = -62_135_596_800_000; time < 253_402_300_799_999; time += 987_654_321_987) {
    const date = new Date(time)
    expect(isStorableDate(date)).toBe(true)
    expect(parseSyncDate(formatSyncDate(date))).toEqual(date)
  }
  expect(parseSyncDate('00001231235959999')).toBeUndefined()
})

it('shows any value in a few characters', () => {
  const odd = [Object.create(null), Symbol('a'), () => 1, new Map(), '\0'.repeat(80), 10n ** 1000n, '\ud800']
  for (const value of odd) expect(shown(value).length).toBeLessThanOrEqual(80)
  let deep: unknown = []
  for (let depth = 0; depth < 100_000; depth++) deep = [deep]
  expect(shown(deep)).toBe('a list of 1')
  expect(shown({ toString: 1, valueOf: 1 })).toBe('an object')
  expect(shown('x'.repeat(1_000_000))).toHaveLength(80)
  expect(shown(new Date(Number.NaN))).toBe('an invalid Date')
  expect([shown(-0), shown(10n), shown('a')]).toEqual(['0', '10', '"a"'])
})
