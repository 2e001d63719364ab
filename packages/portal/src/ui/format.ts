import { currentPreferences, formatLocale, t } from './preferences.ts'

/** A formatter for each language and time zone: to make one is slow. */
function cached<TFormat>(make: (locale: string, timeZone: string) => TFormat): () => TFormat {
  const made = new Map<string, TFormat>()
  return () => {
    const locale = formatLocale()
    const { timeZone } = currentPreferences()
    const key = `${locale} ${timeZone}`
    const format = made.get(key) ?? make(locale, timeZone)
    made.set(key, format)
    return format
  }
}

const dateFormat = (options: Intl.DateTimeFormatOptions) =>
  cached((locale, timeZone) => new Intl.DateTimeFormat(locale, { timeZone, ...options }))
const unitFormat = (unit: string) =>
  cached(
    (locale) =>
      new Intl.NumberFormat(locale, { style: 'unit', unit, unitDisplay: 'short', maximumFractionDigits: 1 }),
  )

const full = dateFormat({ dateStyle: 'medium', timeStyle: 'medium' })
const minute = dateFormat({ month: 'short', day: 'numeric', hour: '2-digit', minute: '2-digit' })
const hourOfDay = dateFormat({ hour: '2-digit', minute: '2-digit' })
const hourOfWeekday = dateFormat({ weekday: 'short', hour: '2-digit', minute: '2-digit' })
const day = dateFormat({ month: 'short', day: 'numeric' })
const zoneName = dateFormat({ timeZoneName: 'shortOffset' })
const relative = cached((locale) => new Intl.RelativeTimeFormat(locale, { numeric: 'auto', style: 'short' }))
const relativeInWords = cached((locale) => new Intl.RelativeTimeFormat(locale, { numeric: 'auto' }))
const count = cached((locale) => new Intl.NumberFormat(locale))
const share = cached(
  (locale) => new Intl.NumberFormat(locale, { style: 'percent', maximumFractionDigits: 1 }),
)
const listed = cached((locale) => new Intl.ListFormat(locale, { type: 'conjunction' }))

const RELATIVE_UNITS = [
  ['day', 86_400_000],
  ['hour', 3_600_000],
  ['minute', 60_000],
  ['second', 1_000],
] as const

const DURATION_UNITS = [
  ['day', 86_400_000, unitFormat('day')],
  ['hour', 3_600_000, unitFormat('hour')],
  ['minute', 60_000, unitFormat('minute')],
  ['second', 1_000, unitFormat('second')],
] as const
const milliseconds = unitFormat('millisecond')

/** Date and time to the second. */
export function fullTime(time: string): string {
  return full().format(new Date(time))
}

/** Date and time to the minute. */
export function shortTime(time: string): string {
  return minute().format(new Date(time))
}

/** The time on an axis that covers so many hours: days can be told apart. */
export function axisTime(time: string, hours: number): string {
  const format = hours <= 3 ? hourOfDay() : hours <= 48 ? hourOfWeekday() : day()
  return format.format(new Date(time))
}

/** The time zone of the times that are shown: "Europe/Berlin (GMT+1)". */
export function zoneText(): string {
  const { timeZone } = currentPreferences()
  const offset = zoneName()
    .formatToParts(new Date())
    .find(({ type }) => type === 'timeZoneName')?.value
  return offset === undefined || offset === timeZone ? timeZone : `${timeZone} (${offset})`
}

/** How long ago, or until when: "3 min. ago". */
export function relativeTime(time: string, now: number): string {
  return relativeBy(relative(), time, now)
}

/** The same without abbreviations, for a sentence. */
export function relativeTimeInWords(time: string): string {
  return relativeBy(relativeInWords(), time, Date.now())
}

function relativeBy(format: Intl.RelativeTimeFormat, time: string, now: number): string {
  const differenceMs = new Date(time).getTime() - now
  for (const [unit, length] of RELATIVE_UNITS) {
    if (Math.abs(differenceMs) >= length) return format.format(Math.trunc(differenceMs / length), unit)
  }
  return differenceMs > 0 ? t.common.soon : t.common.justNow
}

/** A length of time in the unit that reads best. */
export function duration(ms: number): string {
  if (ms < 1) return `< ${milliseconds().format(1)}`
  for (const [, length, format] of DURATION_UNITS) {
    if (ms >= length) return format().format(ms / length)
  }
  return milliseconds().format(Math.round(ms))
}

/** A whole number, its digits in groups. */
export function number(value: number): string {
  return count().format(value)
}

/** A share as a percentage; never 100 % unless it is whole. */
export function percent(part: number, whole: number): string {
  const ratio = part / whole
  return share().format(ratio < 1 ? Math.min(ratio, 0.999) : 1)
}

/** "a, b and c". */
export function list(parts: readonly string[]): string {
  return listed().format(parts)
}

/** JSON in lines; what is none stays as it is. */
export function prettyJson(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), null, 2)
  } catch {
    return text
  }
}
