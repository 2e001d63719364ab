import { describe, expect, it } from 'vitest'
import { formatSyncDate, parseSyncDate } from '../src/index.ts'

describe('a sync date', () => {
  it('is yyyyMMddHHmmssfff in UTC', () => {
    expect(formatSyncDate(new Date(Date.UTC(2026, 0, 2, 3, 4, 5, 6)))).toBe('20260102030405006')
  })

  it('reads as it was written', () => {
    const date = new Date(Date.UTC(2028, 1, 29, 23, 59, 59, 999))
    expect(parseSyncDate(formatSyncDate(date))).toEqual(date)
  })

  it.each([
    '',
    '2026',
    '20260230000000000',
    '20261301000000000',
    '20260101240000000',
    '2026010100000000x',
    ' 20260101000000000',
  ])('is not %j', (text) => {
    expect(parseSyncDate(text)).toBeUndefined()
  })
})
