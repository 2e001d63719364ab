import type { Clock } from '@x/events-core'
import type { FeedStretch } from '../feed/read-batches.ts'
import type { Position } from '../store/event-store.ts'
import { eventFrame, KEEP_ALIVE, syncedFrame } from './frames.ts'
import type { SseSink } from './sse-sink.ts'

/** Writes a position as clients are given it. */
type WritePosition = (position: Position) => string

/** One client's stream. */
export interface SseStream {
  /** Writes what is read, as fast as the client takes it, until one of the two ends. */
  run(stretches: AsyncIterable<FeedStretch>, write: WritePosition): Promise<void>
  /** A sign of life, where the client can take one. */
  beat(): void
  /** Since when the client has not taken what it was given; undefined while it keeps up. */
  readonly blockedSince: number | undefined
  end(): void
  cut(): void
}

/** What is gathered before it is written: a client that reads nothing makes a node keep little more. */
const MAX_CHUNK_LENGTH = 64 * 1024

/** @param steady - measures how long a client has not read. */
export function createSseStream(sink: SseSink, clock: Clock, steady: Clock): SseStream {
  let blockedSince: number | undefined
  /** Tells where the client is while it is live; undefined while it is catching up. */
  let live: (() => string) | undefined

  async function write(text: string): Promise<void> {
    if (sink.write(text)) return
    blockedSince = steady.now()
    await sink.drained()
    blockedSince = undefined
  }

  async function tell(stretch: FeedStretch, writePosition: WritePosition): Promise<void> {
    const { events, isLive } = stretch
    let chunk = ''
    for (const positioned of events) {
      chunk += eventFrame(positioned, writePosition)
      if (chunk.length < MAX_CHUNK_LENGTH) continue
      await write(chunk)
      if (sink.closed.aborted) return
      chunk = ''
    }
    const synced = () => syncedFrame(writePosition(stretch.position), new Date(clock.now()))
    if (isLive && !live) chunk += synced()
    live = isLive ? synced : undefined
    if (chunk !== '') await write(chunk)
  }

  return {
    get blockedSince() {
      return blockedSince
    },
    async run(stretches, writePosition) {
      for await (const stretch of stretches) {
        if (sink.closed.aborted) return
        await tell(stretch, writePosition)
      }
    },
    beat() {
      if (blockedSince !== undefined) return
      sink.write(live ? live() : KEEP_ALIVE)
    },
    end: () => sink.end(),
    cut: () => sink.cut(),
  }
}
