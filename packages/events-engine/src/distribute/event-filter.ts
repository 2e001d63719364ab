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
  if (typeof filter === 'function') return filter
  const patterns = typeof filter === 'string' ? [filter] : [...filter]
  for (const pattern of patterns) {
    if (!isEventTypePattern(pattern)) {
      throw new EventEngineError(
        'invalid_option',
        `subscribe: options.filter holds ${shown(pattern)}; use event types or patterns such as 'File.Download', 'File.*', '*.Delete', '*'.`,
      )
    }
  }
  return (event) => patterns.some((pattern) => matchesEventType(pattern, eventTypeOf(event)))
}
