/**
 * Whether a value is a date that can be stored and written everywhere: a valid `Date` of the years 1 to 9999, in UTC.
 * JavaScript's dates reach 270,000 years further, where neither `timestamptz` nor `yyyyMMdd` follows.
 *
 * @example
 * ```ts
 * import { isStorableDate } from '@x/events-core'
 *
 * isStorableDate(new Date('2026-11-24')) // true
 * isStorableDate(new Date(8.64e15)) // false
 * ```
 */
export function isStorableDate(value: unknown): value is Date {
  // Of a date that is none the year is NaN, which is in no range.
  return value instanceof Date && value.getUTCFullYear() > 0 && value.getUTCFullYear() < 10_000
}
