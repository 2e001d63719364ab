import { EventsError } from '@x/events-core'

/** Tells whether an event is of the types that a pattern stands for. */
export type MatchType = (type: string) => boolean

// What senders call their types is their affair ('File.Create', 'invoice.payment.failed', 'ping'):
// parts of visible ASCII between full stops.
const PART = String.raw`[!-)+\-/-~]{1,100}`
const TYPE = new RegExp(String.raw`^${PART}(?:\.${PART}){0,9}$`)

/**
 * Reads a pattern: a type as it is; `File.*`, whatever begins with `File.`; `*.Delete`, whatever ends
 * with `.Delete`; `*`, everything.
 *
 * @throws EventsError (`invalid_argument`) when it is none.
 */
export function matcherOf(pattern: string): MatchType {
  if (typeof pattern === 'string') {
    if (pattern === '*' || pattern === '*.*') return () => true
    if (TYPE.test(pattern)) return (type) => type === pattern
    if (pattern.endsWith('.*') && TYPE.test(pattern.slice(0, -2))) {
      const beginning = pattern.slice(0, -1)
      return (type) => type.startsWith(beginning)
    }
    if (pattern.startsWith('*.') && TYPE.test(pattern.slice(2))) {
      const end = pattern.slice(1)
      return (type) => type.endsWith(end)
    }
  }
  throw new EventsError(
    'invalid_argument',
    `receiver.on: the pattern must be a type or look like 'File.*', '*.Delete' or '*'; got ${JSON.stringify(pattern)}`,
  )
}
