import {
  ALL_SITES,
  type Clock,
  createSyncEvent,
  EntityNames,
  type SyncEvent,
  SyncEventActions,
} from '@x/events-core'
import type { FeedBatch } from '../feed/read-batches.ts'
import type { Position, PositionedEvent } from '../store/event-store.ts'
import type { SseSink } from './sinks.ts'

/** Writes a position as clients are given it. */
type WritePosition = (position: Position) => string

/** One client's stream. */
export interface SseStream {
  /** Writes what is read, as fast as the client takes it, until one of the two ends. */
  run(batches: AsyncIterable<FeedBatch>, write: WritePosition): Promise<void>
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

  async function tell(batch: FeedBatch, writePosition: WritePosition): Promise<void> {
    const { events, isLive } = batch
    let chunk = ''
    for (const positioned of events) {
      chunk += eventFrame(positioned, writePosition)
      if (chunk.length < MAX_CHUNK_LENGTH) continue
      await write(chunk)
      if (sink.closed.aborted) return
      chunk = ''
    }
    const synced = () => syncedFrame(writePosition(batch.position), new Date(clock.now()))
    if (isLive && !live) chunk += synced()
    live = isLive ? synced : undefined
    if (chunk !== '') await write(chunk)
  }

  return {
    get blockedSince() {
      return blockedSince
    },
    async run(batches, writePosition) {
      for await (const batch of batches) {
        if (sink.closed.aborted) return
        await tell(batch, writePosition)
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

/**
 * What a stream says, as text of the event stream format (HTML, 9.2.6). An event is a message: its
 * position as the id, its JSON as the data, which has no line break.
 */
const frames = new WeakMap<PositionedEvent, string>()

/** The frame of an event; made once, however many clients it goes to. */
export function eventFrame(positioned: PositionedEvent, write: (position: Position) => string): string {
  const made = frames.get(positioned)
  if (made !== undefined) return made
  const frame = messageFrame(write(positioned.position), positioned.event)
  frames.set(positioned, frame)
  return frame
}

function messageFrame(position: string, event: SyncEvent): string {
  return `id: ${position}\ndata: ${JSON.stringify(event)}\n\n`
}

/** How soon a client that lost its stream is to come again. */
export function retryFrame(retryMs: number): string {
  return `retry: ${retryMs}\n\n`
}

/**
 * Everything up to a position was told, where it concerned the client; it can resume there. The date
 * is one to ask `GET /api/Sync/{lastSyncDate}` with from here on.
 */
export function syncedFrame(position: string, syncDate: Date): string {
  return `event: synced\nid: ${position}\ndata: ${JSON.stringify({ syncDate })}\n\n`
}

/** A comment, for clients that are not told anything else for a while. */
export const KEEP_ALIVE = ': keep-alive\n\n'

/**
 * Tells a client that asked for what cannot be told any more to load its state anew. It looks like
 * the event that hosts raise at their start, so that every client knows what to do.
 */
export function reloadFrame(position: string, id: string, tenantId: number, modifiedOn: Date): string {
  const event = createSyncEvent({
    id,
    tenantId,
    siteId: ALL_SITES,
    entityName: EntityNames.Host,
    entityId: -1,
    action: SyncEventActions.Reload,
    modifiedOn,
    data: { reason: 'position_unavailable' },
  })
  return messageFrame(position, event)
}
