import { type Assertion, type Clock, type FieldNames, steadyClock, systemClock } from '@x/events-core'
import { assertClock, createOptionAssertion } from './assert.ts'
import type { ReplayStore } from './replay-store.ts'
import { REPLAY_TIME_NAMES, type ReplayTimes, resolveReplayTimes } from './replay-times.ts'

/** Options of {@link memoryReplayStore}. */
export interface MemoryReplayStoreOptions extends ReplayTimes {
  /**
   * How many handled ids to remember; the oldest are forgotten first.
   *
   * @defaultValue 100_000, about 20 MB
   */
  readonly maxEntries?: number | undefined
  /**
   * The time by which claims lapse and ids are forgotten.
   *
   * @defaultValue the machine's clock
   */
  readonly clock?: Clock | undefined
}

const DEFAULT_MAX_ENTRIES = 100_000

const NAMES: FieldNames<MemoryReplayStoreOptions> = { ...REPLAY_TIME_NAMES, maxEntries: true, clock: true }
const assertOption: Assertion = createOptionAssertion('memoryReplayStore')

/**
 * Keeps ids in memory: for a consumer of one process, and for tests. Behind several processes use a
 * store that they share: `@x/receiver/kysely`, `@x/receiver/redis`.
 *
 * @throws EventsError (`invalid_argument`) when an option cannot be used.
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
  assertOption.fields('', options, NAMES)
  const { maxEntries = DEFAULT_MAX_ENTRIES } = options
  assertClock(assertOption, options.clock)
  // A clock that is set back must not keep an id for longer.
  const clock = steadyClock(options.clock ?? systemClock)
  const { leaseMs, ttlMs } = resolveReplayTimes(assertOption, options)
  assertOption.integer('maxEntries', maxEntries, 1, Number.MAX_SAFE_INTEGER)
  // As many as handlers are running at the moment, so that it needs no bound of its own.
  const inProgress = new Map<string, { readonly token: string; readonly until: number }>()
  const done = new Map<string, number>() // until when; in the order of insertion, the first is the oldest

  function isDone(id: string): boolean {
    const until = done.get(id)
    return until !== undefined && until > clock.now()
  }

  return {
    begin(id, token) {
      if (isDone(id)) return 'done'
      const now = clock.now()
      const claim = inProgress.get(id)
      if (claim && claim.until > now) return 'in_progress'
      inProgress.set(id, { token, until: now + leaseMs })
      return 'new'
    },
    complete(id, token) {
      if (inProgress.get(id)?.token !== token) return
      inProgress.delete(id)
      done.delete(id) // so that it goes to the end
      done.set(id, clock.now() + ttlMs)
      const [oldest] = done.keys()
      if (done.size > maxEntries && oldest !== undefined) done.delete(oldest)
    },
    release(id, token) {
      if (inProgress.get(id)?.token === token) inProgress.delete(id)
    },
  }
}
