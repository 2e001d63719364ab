import { createSeenIds, type SeenIds } from './seen-ids.ts'

/** How far a client has been told, whichever way it is told by. */
export interface Cursor {
  /** Where a stream resumes: the id of its last frame. */
  position: string | undefined
  /** What to poll with, and what a stream begins at where there is no position. */
  lastSyncDate: Date | undefined
  /** What keeps an event from being told twice when two ways bring it. */
  readonly seen: SeenIds
}

export function createCursor(lastSyncDate: Date | undefined): Cursor {
  return { position: undefined, lastSyncDate, seen: createSeenIds() }
}
