import {
  type EventTypePattern,
  eventTypeOf,
  isEventTypePattern,
  matchesEventType,
  type SyncEvent,
} from '@x/events-core'
import { EventEngineError, shown } from '../errors.ts'

/** Which events a subscription wants: patterns of event types, or a function. */
export type EventFilter = EventTypePattern | readonly EventTypePattern[] | ((event: SyncEvent) => boolean)

/**
 * Turns a filter into a function.
 *
 * @throws EventEngineError `invalid_option` for what is no pattern.
 */
export function compileFilter(filter: EventFilter | undefined): (event: SyncEvent) => boolean {
  if (filter === undefined) return () => true
  if (typeof filter === 'function') return (event) => Boolean(atOnce('options.filter', filter(event)))
  const patterns: readonly unknown[] = typeof filter === 'object' && Array.isArray(filter) ? filter : [filter]
  for (const pattern of patterns) {
    if (!isEventTypePattern(pattern as string)) {
      throw new EventEngineError(
        'invalid_option',
        `subscribe: options.filter holds ${shown(pattern)}; use event types or patterns such as 'File.Download', 'File.*', '*.Delete', '*'.`,
      )
    }
  }
  const valid = patterns as readonly EventTypePattern[]
  return (event) => valid.some((pattern) => matchesEventType(pattern, eventTypeOf(event)))
}

/**
 * What a function of the host's has given. A promise would count as true, whatever it resolves to.
 *
 * @throws EventEngineError `invalid_option`
 */
export function atOnce<TResult>(name: string, result: TResult): TResult {
  if (typeof Object(result).then !== 'function') return result
  Promise.resolve(result).catch(() => {}) // nobody will wait for it
  throw new EventEngineError(
    'invalid_option',
    `${name} has to answer at once; got a promise. Use no async function.`,
  )
}
