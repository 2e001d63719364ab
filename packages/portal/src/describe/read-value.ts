import { isStorableDate } from '@x/events-core'
import { invalidArgument } from '../problem.ts'

const ISO_DAY = '\\d{4}-\\d\\d-\\d\\d'
/** ISO 8601: a day (of UTC), or a moment with its offset. What else `Date` makes something of depends on the engine. */
const ISO_TIME = new RegExp(
  `^${ISO_DAY}(?:T\\d\\d:\\d\\d(?::\\d\\d(?:\\.\\d{1,9})?)?(?:Z|[+-]\\d\\d:\\d\\d))?$`,
)

/**
 * Reads a time in ISO 8601, such as `2026-01-31T12:00:00Z`, of the years 1 to 9999.
 *
 * @throws PortalProblem 400
 */
export function readTime(field: string, value: unknown): Date {
  const time = typeof value === 'string' && ISO_TIME.test(value) ? new Date(value) : undefined
  // 30 February is read as 2 March.
  const isDay = typeof value === 'string' && Number(value.slice(8, 10)) <= daysOfMonth(value)
  if (isDay && isStorableDate(time)) return time
  throw invalid(field, 'a time such as 2026-01-31T12:00:00Z')
}

/**
 * Reads a whole number, written in digits alone.
 *
 * @throws PortalProblem 400
 */
export function readWhole(field: string, text: string, minimum: number, maximum: number): number {
  // Number() also takes 0x10, 1e9, -0 and spaces.
  const number = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN
  if (number >= minimum && number <= maximum) return number
  throw invalid(field, `an integer from ${minimum} to ${maximum}`)
}

/**
 * Reads one of some texts.
 *
 * @throws PortalProblem 400
 */
export function readChoice<TText extends string>(
  field: string,
  text: string,
  texts: readonly TText[],
): TText {
  const found = texts.find((one) => one === text)
  if (found !== undefined) return found
  throw invalid(field, `one of ${texts.join(', ')}`)
}

function daysOfMonth(isoTime: string): number {
  const [year, month] = [Number(isoTime.slice(0, 4)), Number(isoTime.slice(5, 7))]
  // In a year of four digits for certain, leap years being the same every 400.
  return new Date(Date.UTC(2000 + (year % 400), month, 0)).getUTCDate()
}

function invalid(field: string, expected: string) {
  return invalidArgument(field, `${field} must be ${expected}.`)
}
