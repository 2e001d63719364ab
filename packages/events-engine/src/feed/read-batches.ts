import type { SyncEvent } from '@x/events-core'
import type { EventStore } from '../store/event-store.ts'
import type { Position, PositionedEvent } from '../store/position.ts'
import type { FeedHub } from './feed-hub.ts'

/** A batch of the feed: the events between two positions that the reader wants, perhaps none. */
export interface FeedBatch {
  readonly events: readonly PositionedEvent[]
  /** The position after the batch. While a reader is live, it also moves on with events that the reader does not want. */
  readonly position: Position
  /** Whether the reader has caught up and receives events as they are committed. */
  readonly isLive: boolean
}

/** What {@link readBatches} reads from: the log, and the hub for readers that have caught up. */
export interface FeedParts {
  readonly store: EventStore
  readonly hub: FeedHub
}

/** How many events may wait for a reader before it is sent back to read the log at its own pace. */
const MAX_QUEUED = 256
const PAGE_SIZE = 100

/**
 * Reads the log after a position, in order, for as long as the caller iterates.
 *
 * A reader first catches up with the log by itself, then listens to the hub that serves all readers of the node with one
 * query. A reader that does not keep up leaves the hub, and catches up again.
 */
export async function* readBatches(
  { store, hub }: FeedParts,
  wants: (event: SyncEvent) => boolean,
  after: Position,
  signal: AbortSignal,
): AsyncGenerator<FeedBatch, void, undefined> {
  let position = after
  // Events that were given out although the position is not after them yet.
  const ahead = new Set<string>()
  const wanted = (events: readonly PositionedEvent[]) =>
    events.filter(({ event }) => !ahead.delete(event.id) && wants(event))

  while (!signal.aborted) {
    // Far behind: by pages, until no further page is known.
    for (let more = true; more && !signal.aborted; ) {
      const page = await store.readAfter(position, PAGE_SIZE)
      position = page.position
      more = page.more
      yield { events: wanted(page.events), position, isLive: false }
    }
    ahead.clear()

    const queue = createQueue(wants, signal)
    try {
      await hub.join(queue.offer)
      // The hub passes on every event from here on. Events committed before that are read once more; those that come both
      // ways are recognised by their ids.
      for (let more = true; more && !signal.aborted; ) {
        const page = await store.readAfter(position, PAGE_SIZE)
        for (const { event } of page.events) ahead.add(event.id)
        position = page.position
        more = page.more || page.events.length > 0
        yield { events: page.events.filter(({ event }) => wants(event)), position, isLive: false }
      }
      queue.passed = position
      yield liveBatch([], queue)
      for (let events = await queue.take(); events; events = await queue.take()) {
        position = queue.passed
        yield liveBatch(wanted(events), queue)
      }
    } finally {
      hub.leave(queue.offer)
    }
  }
}

function liveBatch(events: readonly PositionedEvent[], queue: FeedQueue): FeedBatch {
  return {
    events,
    isLive: true,
    get position() {
      return queue.passed
    },
  }
}

interface FeedQueue {
  /** What the hub calls. */
  readonly offer: (events: readonly PositionedEvent[]) => void
  /** Every event before it was taken, or is not wanted by the reader. */
  passed: Position
  /**
   * Takes the next events, at least one; undefined once the reader has fallen behind, or the feed has ended.
   *
   * @throws what the reader's filter has thrown.
   */
  take(): Promise<readonly PositionedEvent[] | undefined>
}

/** Creates the queue of a reader. Unwanted events do not wake it: most events of a busy node belong to other tenants. */
function createQueue(wants: (event: SyncEvent) => boolean, signal: AbortSignal): FeedQueue {
  let waiting: PositionedEvent[] = []
  let offered: Position | undefined
  let passed = ''
  let overflown = false
  let failure: { readonly error: unknown } | undefined
  let wakeReader = () => {}

  return {
    get passed() {
      // With an empty queue, the reader is past everything that was offered.
      if (waiting.length === 0 && !overflown && offered !== undefined) passed = offered
      return passed
    },
    set passed(position) {
      passed = position
      // Offered while the reader was catching up, and not newer than where it is now.
      if (waiting.length === 0) offered = undefined
    },
    offer(events) {
      if (overflown || failure) return
      let wanted: PositionedEvent[]
      try {
        wanted = events.filter(({ event }) => wants(event))
      } catch (error) {
        // The filter is this reader's own, so its error concerns no other reader.
        failure = { error }
        wakeReader()
        return
      }
      if (wanted.length > 0 && waiting.length === 0 && offered !== undefined) passed = offered
      offered = events.at(-1)?.position
      if (wanted.length === 0) return
      if (waiting.length + wanted.length > MAX_QUEUED) {
        overflown = true
        waiting = []
      } else {
        waiting.push(...wanted)
      }
      wakeReader()
    },
    async take() {
      while (waiting.length === 0 && !overflown && !failure && !signal.aborted) {
        await new Promise<void>((resolve) => {
          const wake = () => {
            signal.removeEventListener('abort', wake)
            resolve()
          }
          wakeReader = wake
          signal.addEventListener('abort', wake)
        })
      }
      if (signal.aborted || overflown) return undefined
      if (failure) throw failure.error
      const taken = waiting
      waiting = []
      return taken
    },
  }
}
