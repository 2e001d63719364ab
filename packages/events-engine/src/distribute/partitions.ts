import type { Clock, IEventSubscriber, SyncEvent } from '@x/events-core'
import type { Position, PositionedEvent } from '../store/position.ts'
import { type Conflicts, callSubscriber, createConflicts } from './call.ts'
import { recordFailure } from './failures.ts'
import { createPositionSaver } from './position-saver.ts'
import {
  callSettingsOf,
  type DistributorRuntime,
  type LeasedSubscription,
  type LeasedWork,
} from './runtime.ts'
import type { Subscription } from './subscription.ts'

const IDLE_WAIT_MS = 60_000
/** How many events may be begun after the oldest unfinished one: a crash repeats no more. */
const MAX_AHEAD = 1_000
/** Nothing more is read once the data of unfinished events has so many characters. */
const MAX_BEGUN_SIZE = 16 * 1024 * 1024

interface Item {
  readonly event: SyncEvent
  readonly entry: ProgressEntry
  readonly size: number
  /** Its filter or key function threw, which counts as a failed try of the event. */
  readonly isUnclear: boolean
  readonly conflicts: Conflicts
  failedAttempts: number
  /** The error of its last try, while it waits until it is the next one, to block. */
  waitsWith: { readonly error: unknown } | undefined
}

/**
 * Calls a subscriber with one event at a time: in order within a partition, concurrently across partitions. The position
 * follows the oldest event that is not finished.
 */
export function createPartitionWork<DB>(
  subscription: Subscription<DB>,
  subscriber: IEventSubscriber,
  runtime: DistributorRuntime<DB>,
): LeasedWork {
  const { store, wake, clock, logger, observer } = runtime
  const { name, wants, retry, partitionKeyOf, concurrency, batchSize } = subscription
  const settings = callSettingsOf(subscription, runtime)

  /** The partition key of an event; undefined for one that is not wanted. */
  function keyOf(event: SyncEvent): string | undefined {
    return wants(event) ? partitionKeyOf(event) : undefined
  }

  /** Filter and key are the host's functions: their errors must not end the reading of the log. */
  function routeOf(event: SyncEvent): { readonly key: string | undefined; readonly isUnclear: boolean } {
    try {
      return { key: keyOf(event), isUnclear: false }
    } catch {
      try {
        return { key: partitionKeyOf(event), isUnclear: true }
      } catch {
        return { key: `\0${event.id}`, isUnclear: true }
      }
    }
  }

  return async function handleInPartitions({
    fence,
    lease,
    signal,
    goOn,
  }: LeasedSubscription): Promise<void> {
    // Aborted when the work has to end before the engine does: the lease is gone, or an event blocks.
    const ending = new AbortController()
    const ended = AbortSignal.any([signal, ending.signal])
    let failure: { readonly error: unknown } | undefined
    const fail = (error: unknown) => {
      failure ??= { error }
      ending.abort()
    }
    const saver = createPositionSaver(store, fence, lease.position, fail)
    const progress = createProgress(lease.position, () => wake.poke())
    const partitions = createPartitions<Item>(concurrency, clock, handleOnce)
    let begunSize = 0
    let position = lease.position
    let failedBefore = lease.failedAttempts

    function mayCall(): boolean {
      try {
        return !ended.aborted && goOn()
      } catch (leaseLost) {
        fail(leaseLost)
        return false
      }
    }

    async function handleOnce(item: Item): Promise<TryOutcome> {
      // A node that was frozen must not handle events that it had read before: another may be further by now.
      if (!mayCall()) return { retryAfterMs: 0 }
      if (item.waitsWith) return handleFailure(item, item.waitsWith.error)
      const attempt = item.failedAttempts + 1
      try {
        // The function may throw again, or succeed this time.
        if (item.isUnclear && keyOf(item.event) === undefined) {
          finish(item)
          return 'done'
        }
        await callSubscriber(
          (context) => subscriber.entityChanged(item.event, context),
          { events: [item.event], attempt },
          settings,
          ended,
        )
        observer.handled(name, [item.event])
        finish(item)
        return 'done'
      } catch (error) {
        // A call that fails because the work ends is repeated after the next start.
        if (ended.aborted) return { retryAfterMs: 0 }
        const retryAfterMs = item.conflicts.pauseMsAfter(error)
        if (retryAfterMs !== undefined) {
          const details = { err: error, subscription: name, eventId: item.event.id, attempt }
          logger.info(details, 'A subscriber had to give way to another transaction; the try does not count')
          return { retryAfterMs }
        }
        item.failedAttempts = attempt
        return await handleFailure(item, error)
      }
    }

    async function handleFailure(item: Item, error: unknown): Promise<TryOutcome> {
      const { event, entry, failedAttempts: attempt } = item
      // Before the save: only then is everything before the event saved, too.
      const isNext = progress.isFirst(entry)
      const hasWaited = item.waitsWith !== undefined
      try {
        await saver.flush()
        const failed = { event, attempt, error, after: undefined, isNext, hasWaited }
        const outcome = await recordFailure(subscription, runtime, fence, failed)
        if (outcome === 'parked' || outcome === 'purged') {
          finish(item)
          return 'done'
        }
        if (outcome === 'waits') {
          item.waitsWith = { error }
          return { retryAfter: progress.whenFirst(entry) }
        }
        if (outcome === 'blocked') ending.abort()
      } catch (cannotRecord) {
        fail(cannotRecord)
      }
      return { retryAfterMs: retry.delayMs(attempt) }
    }

    function finish({ entry, size }: Item): void {
      entry.finish()
      if (begunSize >= MAX_BEGUN_SIZE) wake.poke()
      begunSize -= size
      saver.handled(progress.reached)
    }

    function begin({ event, position: after, size }: PositionedEvent): void {
      const entry = progress.begin(after)
      const { key, isUnclear } = routeOf(event)
      if (key === undefined) {
        entry.finish()
        saver.passed(progress.reached)
        return
      }
      const failedAttempts = failedBefore
      failedBefore = 0
      const conflicts = createConflicts()
      begunSize += size
      partitions.add(key, { event, entry, size, isUnclear, conflicts, failedAttempts, waitsWith: undefined })
    }

    try {
      while (!ended.aborted && goOn()) {
        const seen = wake.version
        if (progress.pending >= MAX_AHEAD || begunSize >= MAX_BEGUN_SIZE) {
          await wake.wait(seen, IDLE_WAIT_MS, ended)
          continue
        }
        const page = await store.readAfter(position, batchSize)
        for (const positioned of page.events) begin(positioned)
        position = page.position
        if (!page.more) await wake.wait(seen, IDLE_WAIT_MS, ended)
      }
    } finally {
      partitions.stop()
      await partitions.idle()
      saver.cancel()
    }
    if (failure) throw failure.error
    await saver.flush()
  }
}

/** Items that are handled in order within a partition, and concurrently across partitions. */
export interface Partitions<TItem> {
  add(key: string, item: TItem): void
  /** Resolves when no item is left; once stopped, when none is running. */
  idle(): Promise<void>
  /** Begins no further try. */
  stop(): void
}

/** The outcome of one try: done, or to be retried at the head of its partition, after a pause or once a promise resolves. */
export type TryOutcome = 'done' | { readonly retryAfterMs: number } | { readonly retryAfter: Promise<void> }

interface Partition<TItem> {
  readonly queue: TItem[]
}

/**
 * Creates partitions. An item that waits for its retry stays at the head of its partition, and occupies no slot: it holds
 * up its own partition alone.
 *
 * @param handle - one try of one item; it must not reject.
 */
export function createPartitions<TItem>(
  concurrency: number,
  clock: Clock,
  handle: (item: TItem) => Promise<TryOutcome>,
): Partitions<TItem> {
  const partitions = new Map<string, Partition<TItem>>()
  const ready: [string, Partition<TItem>][] = []
  const cancelRetries = new Set<() => void>()
  let waitingForIdle: (() => void)[] = []
  let running = 0
  let stopped = false

  async function runHead(key: string, partition: Partition<TItem>): Promise<void> {
    const outcome = await handle(partition.queue[0] as TItem)
    running -= 1
    if (outcome === 'done') {
      partition.queue.shift()
      if (partition.queue.length > 0) ready.push([key, partition])
      else partitions.delete(key)
    } else if ('retryAfter' in outcome) {
      void outcome.retryAfter.then(() => retry(key, partition))
    } else if (!stopped) {
      const cancel = clock.schedule(() => {
        cancelRetries.delete(cancel)
        retry(key, partition)
      }, outcome.retryAfterMs)
      cancelRetries.add(cancel)
    }
    pump()
  }

  function retry(key: string, partition: Partition<TItem>): void {
    ready.push([key, partition])
    pump()
  }

  function pump(): void {
    while (!stopped && running < concurrency) {
      const next = ready.shift()
      if (!next) break
      running += 1
      void runHead(...next)
    }
    if (running === 0 && (stopped || partitions.size === 0)) {
      for (const resolve of waitingForIdle) resolve()
      waitingForIdle = []
    }
  }

  return {
    add(key, item) {
      const partition = partitions.get(key)
      if (partition) {
        partition.queue.push(item)
        return
      }
      const started = { queue: [item] }
      partitions.set(key, started)
      ready.push([key, started])
      pump()
    },
    idle() {
      return new Promise((resolve) => {
        waitingForIdle.push(resolve)
        pump()
      })
    },
    stop() {
      stopped = true
      for (const cancel of cancelRetries) cancel()
      pump()
    },
  }
}

/** One event that was begun. */
export interface ProgressEntry {
  finish(): void
}

/** Follows the position up to which all events are finished, although they finish in any order. */
export interface Progress {
  /** The position up to which all events are finished. */
  readonly reached: Position
  /** How many events after `reached` were begun. */
  readonly pending: number
  /** Begins the next event of the log. */
  begin(after: Position): ProgressEntry
  /** Whether an entry is the first one that is not finished. */
  isFirst(entry: ProgressEntry): boolean
  /** Resolves when an entry is the first one that is not finished. */
  whenFirst(entry: ProgressEntry): Promise<void>
}

interface Entry extends ProgressEntry {
  readonly after: Position
  finished: boolean
}

/** @param moved - called whenever `reached` has moved. */
function createProgress(start: Position, moved: () => void): Progress {
  let reached = start
  // Finished entries are cut off in blocks, since shifting each of them would be slow where many wait.
  let entries: Entry[] = []
  let first = 0
  const waiting = new Map<ProgressEntry | undefined, () => void>()

  function advance(): void {
    const before = first
    while (entries[first]?.finished) {
      reached = (entries[first] as Entry).after
      first += 1
    }
    if (first === before) return
    if (first > 1_000) {
      entries = entries.slice(first)
      first = 0
    }
    moved()
    waiting.get(entries[first])?.()
    waiting.delete(entries[first])
  }

  return {
    get reached() {
      return reached
    },
    get pending() {
      return entries.length - first
    },
    begin(after) {
      const entry: Entry = {
        after,
        finished: false,
        finish() {
          entry.finished = true
          advance()
        },
      }
      entries.push(entry)
      return entry
    },
    isFirst: (entry) => entries[first] === entry,
    whenFirst(entry) {
      if (entries[first] === entry) return Promise.resolve()
      return new Promise((resolve) => waiting.set(entry, resolve))
    },
  }
}
