import type { Logger } from '@x/events-core'
import { compileContentFilter } from './compile-filter.ts'
import type { CompiledFilter, ContentFilter } from './content-filter.ts'

/** An endpoint, as far as its filter matters. */
export interface FilteredEndpoint {
  readonly key: number
  readonly id: string
  readonly filter: ContentFilter | null
}

/** Decides whether an endpoint's filter lets a message through. */
export interface ContentMatcher {
  /**
   * Never throws: a filter that cannot be evaluated matches nothing, so that one endpoint does not stop all others.
   *
   * @param message - `type`, `timestamp` and `data`.
   */
  matches(endpoint: FilteredEndpoint, eventId: string, message: object): boolean
}

/** A filter of an endpoint, compiled when it is needed first. */
interface Entry {
  readonly text: string
  compiled?: CompiledFilter
  /** It could not be evaluated once, and that was logged. */
  hasFailed: boolean
}

/** Filters that are remembered; a host with more compiles them more often. */
const MAX_REMEMBERED = 10_000

/** Creates what evaluates the filters of one sender's endpoints. */
export function createContentMatcher(logger: Logger): ContentMatcher {
  // All endpoints are read again when one has changed: their filters are other objects then, with the same text.
  const byObject = new WeakMap<ContentFilter, Entry>()
  const byEndpoint = new Map<number, Entry>()

  function entryOf(endpointKey: number, filter: ContentFilter): Entry {
    const known = byObject.get(filter)
    if (known) return known
    const text = JSON.stringify(filter)
    const before = byEndpoint.get(endpointKey)
    const entry = before?.text === text ? before : { text, hasFailed: false }
    if (byEndpoint.size >= MAX_REMEMBERED) byEndpoint.clear()
    byEndpoint.set(endpointKey, entry)
    byObject.set(filter, entry)
    return entry
  }

  return {
    matches({ key, id, filter }, eventId, message) {
      if (filter === null) return true
      const entry = entryOf(key, filter)
      try {
        entry.compiled ??= compileContentFilter(filter)
        return entry.compiled.matches(message)
      } catch (error) {
        if (!entry.hasFailed) {
          logger.warn(
            { err: error, endpoint: id, event: eventId },
            'The filter of a webhook endpoint cannot be evaluated, and the event was not sent to it; simplify the filter, or attach less to events (logged once for each filter)',
          )
        }
        entry.hasFailed = true
        return false
      }
    },
  }
}
