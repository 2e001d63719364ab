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

/** Filters that failed are remembered, so that each is logged once; not for ever. */
const MAX_REMEMBERED = 10_000

/** Creates what evaluates the filters of one sender's endpoints. */
export function createContentMatcher(logger: Logger): ContentMatcher {
  // Rows are read again when an endpoint has changed, and their filters with them.
  const compiled = new WeakMap<ContentFilter, CompiledFilter>()
  const failed = new Map<number, string>()

  function compile(filter: ContentFilter): CompiledFilter {
    const known = compiled.get(filter)
    if (known) return known
    const fresh = compileContentFilter(filter)
    compiled.set(filter, fresh)
    return fresh
  }

  function report(
    { key, id }: FilteredEndpoint,
    filter: ContentFilter,
    eventId: string,
    error: unknown,
  ): void {
    const text = JSON.stringify(filter)
    if (failed.get(key) === text) return
    if (failed.size >= MAX_REMEMBERED) failed.clear()
    failed.set(key, text)
    logger.warn(
      { err: error, endpoint: id, event: eventId },
      'The filter of a webhook endpoint cannot be evaluated, and the event was not sent to it; simplify the filter, or attach less to events (logged once for each filter)',
    )
  }

  return {
    matches(endpoint, eventId, message) {
      const { filter } = endpoint
      if (filter === null) return true
      try {
        return compile(filter).matches(message)
      } catch (error) {
        report(endpoint, filter, eventId, error)
        return false
      }
    },
  }
}
