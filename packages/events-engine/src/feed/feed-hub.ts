import type { Clock, Logger } from '@x/events-core'
import type { EventStore } from '../store/event-store.ts'
import type { PositionedEvent } from '../store/position.ts'
import type { WakeSignal } from '../wake/wake-signal.ts'

/** Receives new events, a page at a time. It must neither wait nor throw. */
export type FeedListener = (events: readonly PositionedEvent[]) => void

/** Reads the log once for all readers of a node that have caught up. */
export interface FeedHub {
  /**
   * Resolves when the hub has caught up. From then on the listener receives every event that is committed, and none that
   * is older.
   */
  join(listener: FeedListener): Promise<void>
  leave(listener: FeedListener): void
  stop(): Promise<void>
}

/** What {@link createFeedHub} works with. */
export interface FeedHubParts {
  readonly store: EventStore
  readonly wake: WakeSignal
  readonly clock: Clock
  readonly logger: Logger
}

const PAGE_SIZE = 200
const IDLE_WAIT_MS = 60_000
const PAUSE_AFTER_ERROR_MS = 500
/**
 * Every page costs each reader a turn, and each server-sent stream a write. With many readers and
 * steady traffic, events gather for a moment: at 1,000 readers for 20 ms, and never for longer than
 * {@link MAX_GATHER_MS}. An event that comes after a pause is passed on at once.
 */
const GATHER_MS_PER_READER = 0.02
const MAX_GATHER_MS = 50

/** Creates a hub, which reads only while it has listeners. */
export function createFeedHub({ store, wake, clock, logger }: FeedHubParts): FeedHub {
  const listeners = new Set<FeedListener>()
  const joining = new Map<FeedListener, PromiseWithResolvers<void>>()
  let stopIdling = new AbortController()
  let reading: { readonly ended: Promise<void>; readonly stop: AbortController } | undefined

  const pause = (ms: number) => new Promise<void>((resolve) => clock.schedule(resolve, ms))

  async function gather(): Promise<void> {
    const gatherMs = Math.min(Math.floor(listeners.size * GATHER_MS_PER_READER), MAX_GATHER_MS)
    if (gatherMs > 0) await pause(gatherMs)
  }

  /** Admits listeners that joined before the last read: events they receive from here on were not visible to it. */
  function admit(candidates: readonly FeedListener[]): void {
    for (const listener of candidates) {
      const joined = joining.get(listener)
      if (!joined) continue
      joining.delete(listener)
      listeners.add(listener)
      joined.resolve()
    }
  }

  function refuse(error: unknown): void {
    for (const { reject } of joining.values()) reject(error)
    joining.clear()
  }

  /** Once its signal is aborted it may still wait for the log, while another one reads for those who joined since. */
  async function readOn(start: Promise<string>, signal: AbortSignal): Promise<void> {
    let position = await start
    while (!signal.aborted) {
      const seen = wake.version
      const candidates = [...joining.keys()]
      try {
        const page = await store.readAfter(position, PAGE_SIZE)
        if (signal.aborted) return
        const { events } = page
        if (events.length > 0) for (const listener of [...listeners]) listener(events)
        position = page.position
        if (!page.more) admit(candidates)
        if (events.length > 0) await gather()
        else if (!page.more) await wake.wait(seen, IDLE_WAIT_MS, AbortSignal.any([signal, stopIdling.signal]))
        if (signal.aborted) return
        if (stopIdling.signal.aborted) stopIdling = new AbortController()
      } catch (error) {
        if (signal.aborted) return
        refuse(error)
        // The position stays, so that an outage of the database delays the feed and skips nothing.
        logger.warn({ err: error }, 'The event log could not be read for the feed; trying again')
        await pause(PAUSE_AFTER_ERROR_MS)
      }
    }
  }

  function begin() {
    const stop = new AbortController()
    const ended = readOn(store.endPosition(), stop.signal).catch((error: unknown) => {
      if (stop.signal.aborted) return
      // The hub has not begun to read: the next one that joins makes it try again.
      reading = undefined
      refuse(error)
    })
    return { ended, stop }
  }

  return {
    join(listener) {
      const joined = Promise.withResolvers<void>()
      joining.set(listener, joined)
      reading ??= begin()
      stopIdling.abort()
      return joined.promise
    },
    leave(listener) {
      listeners.delete(listener)
      if (listeners.size > 0 || joining.size > 0) return
      reading?.stop.abort()
      reading = undefined
    },
    async stop() {
      listeners.clear()
      // The signal of the feed ends them.
      for (const { resolve } of joining.values()) resolve()
      joining.clear()
      const ending = reading
      reading = undefined
      ending?.stop.abort()
      await ending?.ended
    },
  }
}
