import type { Clock } from '@x/events-core'
import type { FeedStretch } from '../feed/read-stretches.ts'
import { eventFrame, KEEP_ALIVE, syncedFrame } from './frames.ts'
import type { SseSink } from './sse-sink.ts'

/** One client's stream. */
export interface SseStream {
  /** Writes what is read, as fast as the client takes it, until one of the two ends. */
  run(stretches: AsyncIterable<FeedStretch>): Promise<void>
  /** A sign of life, where the client can take one. */
  beat(): void
  /** Since when the client has not taken what it was given; undefined while it keeps up. */
  readonly blockedSince: number | undefined
  end(): void
  cut(): void
}

/** What is gathered before it is written: a client that reads nothing makes a node keep little more. */
const MAX_CHUNK_LENGTH = 64 * 1024

export function createSseStream(sink: SseSink, clock: Clock): SseStream {
  let blockedSince: number | undefined
  /** Tells where the client is while it is live; undefined while it is catching up. */
  let live: Pick<FeedStretch, 'position'> | undefined

  async function write(text: string): Promise<void> {
    if (sink.write(text)) return
    blockedSince = clock.now()
    await sink.drained()
    blockedSince = undefined
  }

  async function tell(stretch: FeedStretch): Promise<void> {
    const { events, isLive } = stretch
    let chunk = ''
    for (const positioned of events) {
      chunk += eventFrame(positioned)
      if (chunk.length < MAX_CHUNK_LENGTH) continue
      await write(chunk)
      if (sink.closed.aborted) return
      chunk = ''
    }
    if (isLive && !live) chunk += syncedFrame(stretch.position, new Date(clock.now()))
    live = isLive ? stretch : undefined
    if (chunk !== '') await write(chunk)
  }

  return {
    get blockedSince() {
      return blockedSince
    },
    async run(stretches) {
      for await (const stretch of stretches) {
        if (sink.closed.aborted) return
        await tell(stretch)
      }
    },
    beat() {
      if (blockedSince !== undefined) return
      sink.write(live ? syncedFrame(live.position, new Date(clock.now())) : KEEP_ALIVE)
    },
    end: () => sink.end(),
    cut: () => sink.cut(),
  }
}
