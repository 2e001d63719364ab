import type { SyncEvent } from '@x/events-core'
import type { SyncMode } from '../transport.ts'

/** How far the leader has received events. */
export interface TabCursor {
  readonly position: string | undefined
  readonly lastSyncDate: Date | undefined
}

/** What tabs say to each other; a leader is the one that has the connection. */
export type TabMessage =
  /** Of a tab that has just come: who leads, and where are we? */
  | { readonly type: 'hello' }
  /** The leader's state and place; also its sign of life. */
  | { readonly type: 'state'; readonly mode: SyncMode | undefined; readonly at: TabCursor }
  | { readonly type: 'event'; readonly event: SyncEvent }
  /** The leader has moved: who is not where it came from has missed something. */
  | { readonly type: 'moved'; readonly from: TabCursor; readonly at: TabCursor }

/** Whether two tabs are at the same place: a stream moves both, polling the date alone. */
export function isSamePlace(one: TabCursor, other: TabCursor): boolean {
  return one.position === other.position && one.lastSyncDate?.getTime() === other.lastSyncDate?.getTime()
}
