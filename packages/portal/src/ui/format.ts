const full = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'medium' })
const relative = new Intl.RelativeTimeFormat(undefined, { numeric: 'auto', style: 'short' })
const count = new Intl.NumberFormat()

const UNITS: readonly [Intl.RelativeTimeFormatUnit, number][] = [
  ['day', 86_400_000],
  ['hour', 3_600_000],
  ['minute', 60_000],
  ['second', 1_000],
]

/** Date and time to the second, in the words of whoever looks. */
export function fullTime(time: string): string {
  return full.format(new Date(time))
}

/** How long ago, or until when: "3 min. ago". */
export function relativeTime(time: string, now: number): string {
  const differenceMs = new Date(time).getTime() - now
  for (const [unit, length] of UNITS) {
    if (Math.abs(differenceMs) >= length) return relative.format(Math.trunc(differenceMs / length), unit)
  }
  return differenceMs > 0 ? 'in a moment' : 'just now'
}

/** A stretch of time in the unit that reads best. */
export function duration(milliseconds: number): string {
  if (milliseconds < 1) return '< 1 ms'
  if (milliseconds < 1_000) return `${Math.round(milliseconds)} ms`
  const seconds = milliseconds / 1_000
  if (seconds < 60) return `${Number(seconds.toFixed(1))} s`
  if (seconds < 3_600) return `${Number((seconds / 60).toFixed(1))} min`
  if (seconds < 86_400) return `${Number((seconds / 3_600).toFixed(1))} h`
  return `${Number((seconds / 86_400).toFixed(1))} days`
}

/** A whole number, its digits in groups. */
export function number(value: number): string {
  return count.format(value)
}

/** "1 event", "2 events". */
export function counted(value: number, one: string, many = `${one}s`): string {
  return `${number(value)} ${value === 1 ? one : many}`
}

/** JSON in lines; what is none stays as it is. */
export function prettyJson(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), null, 2)
  } catch {
    return text
  }
}
