import { createSeenIds, type SeenIds } from './seen-ids.ts'

/** How far a client has received events, by any transport. */
export interface Cursor {
  /** The position at which a stream resumes: the id of its last frame. */
  position: string | undefined
  /** The date to poll with. A stream begins at it where there is no position. */
  lastSyncDate: Date | undefined
  /** Keeps an event from being passed on twice when two transports bring it. */
  readonly seen: SeenIds
}

export function createCursor(lastSyncDate: Date | undefined): Cursor {
  return { position: undefined, lastSyncDate, seen: createSeenIds() }
}
