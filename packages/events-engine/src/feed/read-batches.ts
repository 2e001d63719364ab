import type { SyncEvent } from '@x/events-core'
import type { EventStore, Position, PositionedEvent } from '../store/event-store.ts'
import type { FeedHub } from './feed-hub.ts'

/** What a reader is given in one go: the events it wants between two positions, perhaps none. */
export interface FeedBatch {
  readonly events: readonly PositionedEvent[]
  /** Everything before it was looked at. While a reader is live, it moves on with what does not concern it. */
  readonly position: Position
  /** Whether the reader has caught up: from here on, it is told what is committed as it is committed. */
  readonly isLive: boolean
}

/** Where the log is read, and who reads it for those that have caught up. */
export interface FeedParts {
  readonly store: EventStore
  readonly hub: FeedHub
}

/** How many events may wait for a reader before it is sent back to read the log at its own pace. */
const MAX_QUEUED = 256
const PAGE_SIZE = 100

/**
 * The log behind a position, in order, for as long as the caller reads on.
 *
 * A reader first catches up with the log by itself, then listens to the hub that serves all readers
 * of the node with one query. One that does not keep up loses its place there, and catches up again.
 */
export async function* readBatches(
  { store, hub }: FeedParts,
  wants: (event: SyncEvent) => boolean,
  after: Position,
  signal: AbortSignal,
): AsyncGenerator<FeedBatch, void, undefined> {
  let position = after
  // Given out although the position is not behind them yet.
  const ahead = new Set<string>()
  const wanted = (events: readonly PositionedEvent[]) =>
    events.filter(({ event }) => !ahead.delete(event.id) && wants(event))

  while (!signal.aborted) {
    // Far behind: by pages, until nothing is known to follow.
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
      // The hub tells of everything from here on. What was committed before that is read once more;
      // what is read and told of both is recognised by its id.
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
  /** Everything before it was taken, or does not concern the reader. */
  passed: Position
  /**
   * The next ones, at least one; undefined once the reader has fallen behind, or the feed has ended.
   *
   * @throws what the reader's filter has thrown.
   */
  take(): Promise<readonly PositionedEvent[] | undefined>
}

/** What does not concern the reader does not wake it: most readers of a busy node are of other tenants. */
function createQueue(wants: (event: SyncEvent) => boolean, signal: AbortSignal): FeedQueue {
  let waiting: PositionedEvent[] = []
  let offered: Position | undefined
  let passed = ''
  let overflown = false
  let failure: { readonly error: unknown } | undefined
  let wakeReader = () => {}

  return {
    get passed() {
      // With nothing waiting, all that was offered is behind the reader.
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
        // The filter is this reader's own: nobody else is to hear of it.
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
