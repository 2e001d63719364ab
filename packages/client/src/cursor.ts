/** How far a client has received events, by any transport. */
export interface Cursor {
  /** The position at which a stream resumes: the id of its last frame. */
  position: string | undefined
  /** The date to poll with. */
  lastSyncDate: Date | undefined
  /** The date at which a stream begins where there is no position. Polls, which bring only some events, do not move it. */
  streamSince: Date | undefined
  /** Keeps an event from being passed on twice when two transports bring it. */
  readonly seen: SeenIds
}

export function createCursor(lastSyncDate: Date | undefined): Cursor {
  return { position: undefined, lastSyncDate, streamSince: lastSyncDate, seen: createSeenIds() }
}

/** Remembers which events were passed on, up to a capacity. */
export interface SeenIds {
  /** @returns whether the id is new. */
  add(id: string): boolean
  /** Forgets the oldest ids beyond the capacity, but never one of the `newest` last added. */
  trim(newest: number): void
}

/**
 * An event that was polled comes again by the stream, after up to 9,999 others: servers repeat no more, but ask for a
 * reload.
 */
const CAPACITY = 10_000

export function createSeenIds(capacity = CAPACITY): SeenIds {
  // A set keeps the order of insertion: the oldest come first.
  const ids = new Set<string>()
  return {
    add(id) {
      const isNew = !ids.delete(id)
      ids.add(id)
      return isNew
    },
    trim(newest) {
      let surplus = ids.size - Math.max(capacity, newest)
      for (const id of ids) {
        if (surplus <= 0) return
        ids.delete(id)
        surplus -= 1
      }
    },
  }
}
