import {
  ALL_SITES,
  type Clock,
  createSyncEvent,
  EntityNames,
  type SyncEvent,
  SyncEventActions,
} from '@x/events-core'
import type { FeedBatch } from '../feed/read-batches.ts'
import type { Position, PositionedEvent } from '../store/position.ts'
import type { SseSink } from './sinks.ts'

/** Writes a position as clients are given it. */
type WritePosition = (position: Position) => string

/** One client's stream. */
export interface SseStream {
  /** Writes the batches as fast as the client reads them, until one of the two ends. */
  run(batches: AsyncIterable<FeedBatch>, write: WritePosition): Promise<void>
  /** Writes a heartbeat, unless the client is blocked. */
  beat(): void
  /** Since when the client has not taken what it was given; undefined while it keeps up. */
  readonly blockedSince: number | undefined
  end(): void
  cut(): void
}

/** How much text is gathered before it is written, which bounds the memory for a client that reads nothing. */
const MAX_CHUNK_LENGTH = 64 * 1024

/** @param steady - measures how long a client has not read. */
export function createSseStream(sink: SseSink, clock: Clock, steady: Clock): SseStream {
  let blockedSince: number | undefined
  /** Creates the frame with the client's position while it is live; undefined while it is catching up. */
  let live: (() => string) | undefined

  async function write(text: string): Promise<void> {
    if (sink.write(text)) return
    blockedSince = steady.now()
    await sink.drained()
    blockedSince = undefined
  }

  async function writeBatch(batch: FeedBatch, writePosition: WritePosition): Promise<void> {
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
        await writeBatch(batch, writePosition)
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
 * The frames of a stream, as text of the event stream format (HTML, 9.2.6). An event is a message: its position is the id,
 * its JSON, which has no line break, is the data.
 */
const frames = new WeakMap<PositionedEvent, string>()

/** The frame of an event; made once, however many clients it goes to. */
function eventFrame(positioned: PositionedEvent, write: (position: Position) => string): string {
  const made = frames.get(positioned)
  if (made !== undefined) return made
  const frame = messageFrame(write(positioned.position), positioned.event)
  frames.set(positioned, frame)
  return frame
}

function messageFrame(position: string, event: SyncEvent): string {
  return `id: ${position}\ndata: ${JSON.stringify(event)}\n\n`
}

/** Sets the client's reconnection time. */
export function retryFrame(retryMs: number): string {
  return `retry: ${retryMs}\n\n`
}

/**
 * Says that the client has got every event up to a position that concerns it, so that it can resume there. The date is
 * for its next `GET /api/Sync/{lastSyncDate}`.
 */
function syncedFrame(position: string, syncDate: Date): string {
  return `event: synced\nid: ${position}\ndata: ${JSON.stringify({ syncDate })}\n\n`
}

/** A comment, for clients that have got nothing else for a while. */
const KEEP_ALIVE = ': keep-alive\n\n'

/**
 * Makes a client load its state anew whose position is not available any more. It looks like the event that hosts raise
 * at their start, which every client handles.
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
