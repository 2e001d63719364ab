import { ALL_TENANTS, type SyncEvent } from '@x/events-core'
import { compileFilter, type EventFilter } from '../distributor/event-filter.ts'
import { EventEngineError, shown } from '../errors.ts'
import type { EventStore, Position, PositionedEvent } from '../store/event-store.ts'
import type { FeedHub } from './feed-hub.ts'

/** What a reader of the feed wants. */
export interface FeedOptions {
  /** Events of this tenant, and those of all tenants. */
  readonly tenantId: number
  /**
   * The position of the last event that was received: the feed goes on behind it.
   * @defaultValue everything that is committed from now on
   */
  readonly after?: string | undefined
  /** Event types or patterns, or a function that decides. */
  readonly filter?: EventFilter | undefined
  /** Ends the feed. */
  readonly signal?: AbortSignal | undefined
}

/** An event of the feed, and where to resume behind it. */
export interface FeedItem {
  /** Opaque: to be given as `after`, for instance as the id of a server-sent event. */
  readonly position: string
  readonly event: SyncEvent
}

/** How many events may wait for a reader before it is sent back to read the log at its own pace. */
const MAX_QUEUED = 256
const PAGE_SIZE = 100

/**
 * The events of a tenant, in log order, for as long as the caller reads on.
 *
 * A reader first catches up with the log by itself, then listens to the hub that serves all readers
 * of the node with one query. One that does not keep up loses its place there, and catches up again.
 *
 * @param stopSignal - aborted when the engine stops.
 * @throws EventEngineError `invalid_argument`, `invalid_option`, `invalid_position`; while it is read,
 *   `position_expired`
 */
export function openFeed(
  store: EventStore,
  hub: FeedHub,
  options: FeedOptions,
  stopSignal: AbortSignal,
): AsyncIterable<FeedItem> {
  const { tenantId } = options
  if (!Number.isSafeInteger(tenantId)) {
    throw new EventEngineError(
      'invalid_argument',
      `feed: tenantId must be an integer; got ${shown(tenantId)}.`,
    )
  }
  const matches = compileFilter(options.filter)
  const wants = (event: SyncEvent) =>
    (event.tenantId === tenantId || event.tenantId === ALL_TENANTS) && matches(event)
  const after = options.after === undefined ? undefined : store.parsePosition(options.after)
  const signal = options.signal ? AbortSignal.any([options.signal, stopSignal]) : stopSignal
  return { [Symbol.asyncIterator]: () => readFeed(store, hub, wants, after, signal) }
}

async function* readFeed(
  store: EventStore,
  hub: FeedHub,
  wants: (event: SyncEvent) => boolean,
  after: Position | undefined,
  signal: AbortSignal,
): AsyncGenerator<FeedItem, void, undefined> {
  if (after !== undefined && (await store.isExpired(after))) {
    throw new EventEngineError(
      'position_expired',
      `feed: events after ${shown(after)} are deleted already; load the present state, and follow the feed from now on.`,
    )
  }
  let position = after ?? (await store.endPosition())
  const itemOf = ({ event, position: behind }: PositionedEvent): FeedItem => ({ event, position: behind })
  // Given out although the position is not behind them yet.
  const ahead = new Set<string>()

  while (!signal.aborted) {
    // Far behind: by pages, until nothing is known to follow.
    for (let more = true; more && !signal.aborted; ) {
      const page = await store.readAfter(position, PAGE_SIZE)
      for (const positioned of page.events) {
        if (!ahead.delete(positioned.event.id) && wants(positioned.event)) yield itemOf(positioned)
      }
      position = page.position
      more = page.more
    }
    ahead.clear()

    const queue = createQueue(signal)
    try {
      await hub.join(queue.offer)
      // The hub tells of everything from here on. What was committed before that is read once more;
      // what is read and told of both is recognised by its id.
      for (let more = true; more && !signal.aborted; ) {
        const page = await store.readAfter(position, PAGE_SIZE)
        for (const positioned of page.events) {
          ahead.add(positioned.event.id)
          if (wants(positioned.event)) yield itemOf(positioned)
        }
        position = page.position
        more = page.more || page.events.length > 0
      }
      for (let next = await queue.take(); next; next = await queue.take()) {
        if (!ahead.delete(next.event.id) && wants(next.event)) yield itemOf(next)
        position = next.position
      }
    } finally {
      hub.leave(queue.offer)
    }
  }
}

interface FeedQueue {
  /** What the hub calls. */
  readonly offer: (positioned: PositionedEvent) => void
  /** The next one; undefined once the reader has fallen behind, or the feed has ended. */
  take(): Promise<PositionedEvent | undefined>
}

function createQueue(signal: AbortSignal): FeedQueue {
  const waiting: PositionedEvent[] = []
  let overflown = false
  let wakeReader = () => {}

  return {
    offer(positioned) {
      if (overflown) return
      if (waiting.length === MAX_QUEUED) {
        overflown = true
        waiting.length = 0
      } else {
        waiting.push(positioned)
      }
      wakeReader()
    },
    async take() {
      while (waiting.length === 0 && !overflown && !signal.aborted) {
        await new Promise<void>((resolve) => {
          const wake = () => {
            signal.removeEventListener('abort', wake)
            resolve()
          }
          wakeReader = wake
          signal.addEventListener('abort', wake)
        })
      }
      return signal.aborted ? undefined : waiting.shift()
    },
  }
}
