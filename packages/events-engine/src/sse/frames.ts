import { ALL_SITES, createSyncEvent, EntityNames, type SyncEvent, SyncEventActions } from '@x/events-core'
import type { Position, PositionedEvent } from '../store/event-store.ts'

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
