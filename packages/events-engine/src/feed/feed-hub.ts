import type { Clock, Logger } from '@x/events-core'
import type { EventStore, PositionedEvent } from '../store/event-store.ts'
import type { WakeSignal } from '../wake/wake-signal.ts'

/** Whoever wants to be told of new events, a page at a time; must not wait, nor throw. */
export type FeedListener = (events: readonly PositionedEvent[]) => void

/** Reads the log once for all readers of a node that have caught up. */
export interface FeedHub {
  /** Resolves once the listener hears of everything that is committed from now on. */
  join(listener: FeedListener): Promise<void>
  leave(listener: FeedListener): void
  stop(): Promise<void>
}

const PAGE_SIZE = 200
const IDLE_WAIT_MS = 60_000
const PAUSE_AFTER_ERROR_MS = 500
/**
 * Every page costs each reader a turn, and each server-sent stream a write. With many readers and
 * steady traffic, events gather for a moment: at 1,000 readers for 20 ms, and never for longer than
 * {@link MAX_GATHER_MS}. What comes after a pause is told at once.
 */
const GATHER_MS_PER_READER = 0.02
const MAX_GATHER_MS = 50

/** Creates a hub that reads only while somebody listens. */
export function createFeedHub(store: EventStore, wake: WakeSignal, clock: Clock, logger: Logger): FeedHub {
  const listeners = new Set<FeedListener>()
  let reading:
    | { readonly ready: Promise<void>; readonly ended: Promise<void>; readonly stop: AbortController }
    | undefined

  const pause = (ms: number) => new Promise<void>((resolve) => clock.schedule(resolve, ms))

  async function gather(): Promise<void> {
    const gatherMs = Math.min(Math.floor(listeners.size * GATHER_MS_PER_READER), MAX_GATHER_MS)
    if (gatherMs > 0) await pause(gatherMs)
  }

  async function readOn(start: Promise<string>, signal: AbortSignal): Promise<void> {
    let position = await start
    while (!signal.aborted) {
      const seen = wake.version
      try {
        const page = await store.readAfter(position, PAGE_SIZE)
        const { events } = page
        if (events.length > 0) for (const listener of [...listeners]) listener(events)
        position = page.position
        if (events.length > 0) await gather()
        else if (!page.more) await wake.wait(seen, IDLE_WAIT_MS, signal)
      } catch (error) {
        // The position stays, so that an outage of the database delays the feed and skips nothing.
        logger.warn({ err: error }, 'The event log could not be read for the feed; trying again')
        await pause(PAUSE_AFTER_ERROR_MS)
      }
    }
  }

  function begin() {
    const stop = new AbortController()
    const start = store.endPosition()
    const ready = start.then(() => {})
    const ended = readOn(start, stop.signal).catch(() => {
      // Not even begun: whoever joins next tries again.
      if (reading?.stop === stop) reading = undefined
    })
    return { ready, ended, stop }
  }

  return {
    async join(listener) {
      listeners.add(listener)
      reading ??= begin()
      try {
        await reading.ready
      } catch (error) {
        listeners.delete(listener)
        throw error
      }
    },
    leave(listener) {
      listeners.delete(listener)
      if (listeners.size > 0) return
      reading?.stop.abort()
      reading = undefined
    },
    async stop() {
      listeners.clear()
      const ending = reading
      reading = undefined
      ending?.stop.abort()
      await ending?.ended
    },
  }
}
