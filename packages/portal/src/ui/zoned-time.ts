import { currentPreferences } from './preferences.ts'

/** A time as an input of type `datetime-local` wants it, in the chosen time zone; empty for what is no time. */
export function localInputTime(time: number): string {
  if (Number.isNaN(time)) return ''
  return new Date(time + offsetAt(time)).toISOString().slice(0, 16)
}

/** The time that such an input holds; undefined for none. */
export function timeOfLocalInput(text: string): string | undefined {
  const local = Date.parse(`${text}Z`)
  if (Number.isNaN(local)) return undefined
  // Twice, since the offset at that time may differ from the one at the first guess.
  const guess = local - offsetAt(local)
  return new Date(local - offsetAt(guess)).toISOString()
}

/** How many milliseconds the chosen time zone is ahead of UTC at a time. */
function offsetAt(time: number): number {
  const format = new Intl.DateTimeFormat('en', {
    timeZone: currentPreferences().timeZone,
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  })
  const parts = Object.fromEntries(format.formatToParts(time).map(({ type, value }) => [type, Number(value)]))
  const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = parts
  return Date.UTC(year, month - 1, day, hour, minute, second) - Math.floor(time / 1_000) * 1_000
}
