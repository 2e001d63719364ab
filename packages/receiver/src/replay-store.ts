import { EventsError } from '@x/events-core'

/** What a store knows of an id: nothing yet, being handled elsewhere, or handled. */
export type ReplayClaim = 'new' | 'in_progress' | 'done'

/**
 * Remembers which messages were handled, so that a delivery repeated by the sender (its answer was
 * lost) or by somebody who recorded it runs no handler again. Asked only about verified messages.
 *
 * Give each receiver a store, or each id a prefix: a sender uses one id for all of its endpoints.
 * Keep ids for as long as the sender tries again: days, not minutes. A store outside of the process
 * should let claims lapse, or a crash between `begin` and `complete` leaves the message unhandled.
 */
export interface ReplayStore {
  /** Claims an id in one step: of two callers at once, one gets `new`. */
  begin(id: string): ReplayClaim | Promise<ReplayClaim>
  /** The message was handled: `done` from now on. */
  complete(id: string): void | Promise<void>
  /** The message was not handled: `new` again, so that the next attempt is. */
  release(id: string): void | Promise<void>
}

/** Options of {@link memoryReplayStore}. */
export interface MemoryReplayStoreOptions {
  /**
   * How many handled ids to remember; the oldest are forgotten first.
   *
   * @defaultValue 100_000, about 15 MB
   */
  readonly maxEntries?: number | undefined
}

const DEFAULT_MAX_ENTRIES = 100_000

/**
 * Keeps ids in memory: for a consumer of one process, and for tests. Behind several processes use a
 * store that they share.
 *
 * @throws EventsError (`invalid_argument`) when an option is out of range.
 *
 * @example
 * ```ts
 * import { createReceiver, generateSecret, memoryReplayStore } from '@x/receiver'
 *
 * const receiver = createReceiver({
 *   secrets: generateSecret(),
 *   replayStore: memoryReplayStore({ maxEntries: 50_000 }),
 * })
 * ```
 */
export function memoryReplayStore(options: MemoryReplayStoreOptions = {}): ReplayStore {
  const { maxEntries = DEFAULT_MAX_ENTRIES } = options
  if (!Number.isSafeInteger(maxEntries) || maxEntries < 1) {
    throw new EventsError(
      'invalid_argument',
      `memoryReplayStore: options.maxEntries must be a whole number, 1 or more; got ${String(maxEntries)}`,
    )
  }
  // As many as handlers are running at the moment, so that it needs no bound of its own.
  const inProgress = new Set<string>()
  const done = new Set<string>() // sets keep the order of insertion: the first is the oldest
  return {
    begin(id) {
      if (done.has(id)) return 'done'
      if (inProgress.has(id)) return 'in_progress'
      inProgress.add(id)
      return 'new'
    },
    complete(id) {
      inProgress.delete(id)
      done.add(id)
      const [oldest] = done
      if (done.size > maxEntries && oldest !== undefined) done.delete(oldest)
    },
    release(id) {
      inProgress.delete(id)
    },
  }
}
