import type { IEventSubscriber, SyncEvent } from '@x/events-core'
import { callSubscriber } from './call-subscriber.ts'
import { createLanes, type TryOutcome } from './lanes.ts'
import type { LeasedSubscription, LeasedWork } from './leased-work.ts'
import { createPositionSaver } from './position-saver.ts'
import { createProgress, type ProgressEntry } from './progress.ts'
import { recordFailure } from './record-failure.ts'
import { callSettingsOf, type DistributorRuntime } from './runtime.ts'
import type { Subscription } from './subscription.ts'
import { type Conflicts, createConflicts } from './uncounted.ts'

const IDLE_WAIT_MS = 60_000
/** How many events may be begun beyond the oldest unfinished one: what a crash repeats at most. */
const MAX_AHEAD = 1_000

interface Item {
  readonly event: SyncEvent
  readonly entry: ProgressEntry
  /** Its filter or key could not be asked, which counts as a failed try of the event. */
  readonly isUnclear: boolean
  readonly conflicts: Conflicts
  failedAttempts: number
}

/**
 * Hands events to a subscriber one by one, in order within a key and side by side across keys. The
 * position follows the oldest event that is not finished.
 */
export function createLaneWork<DB>(
  subscription: Subscription<DB>,
  subscriber: IEventSubscriber,
  runtime: DistributorRuntime<DB>,
): LeasedWork {
  const { store, wake, clock, logger, observer } = runtime
  const { name, wants, retry, laneOf, concurrency, batchSize } = subscription
  const settings = callSettingsOf(subscription, runtime)

  /** What an event waits for its turn by; undefined for one that is not wanted. */
  function keyOf(event: SyncEvent): string | undefined {
    return wants(event) ? laneOf(event) : undefined
  }

  /** Filter and key are the host's functions: what they throw must not end the reading of the log. */
  function routeOf(event: SyncEvent): { readonly key: string | undefined; readonly isUnclear: boolean } {
    try {
      return { key: keyOf(event), isUnclear: false }
    } catch {
      try {
        return { key: laneOf(event), isUnclear: true }
      } catch {
        return { key: `\0${event.id}`, isUnclear: true }
      }
    }
  }

  return async function handleInLanes({ fence, lease, signal, goOn }: LeasedSubscription): Promise<void> {
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
    const lanes = createLanes<Item>(concurrency, clock, handleOnce)
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
      // A node that was frozen must not hand out what it had read before: another may be further by now.
      if (!mayCall()) return { retryAfterMs: 0 }
      const attempt = item.failedAttempts + 1
      try {
        // Throws once more what it has thrown before, or has come to itself.
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
        // What fails because the work ends is tried again after the next start.
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
      try {
        await saver.flush()
        const failed = { event, attempt, error, after: undefined, isNext: progress.isFirst(entry) }
        const outcome = await recordFailure(subscription, runtime, fence, failed)
        if (outcome === 'parked' || outcome === 'purged') {
          finish(item)
          return 'done'
        }
        if (outcome === 'blocked') ending.abort()
      } catch (cannotRecord) {
        fail(cannotRecord)
      }
      return { retryAfterMs: retry.delayMs(attempt) }
    }

    function finish({ entry }: Item): void {
      entry.finish()
      saver.handled(progress.reached)
    }

    function begin(event: SyncEvent, after: string): void {
      const entry = progress.begin(after)
      const { key, isUnclear } = routeOf(event)
      if (key === undefined) {
        entry.finish()
        saver.passed(progress.reached)
        return
      }
      const item = { event, entry, isUnclear, conflicts: createConflicts(), failedAttempts: failedBefore }
      failedBefore = 0
      lanes.add(key, item)
    }

    try {
      while (!ended.aborted && goOn()) {
        const seen = wake.version
        if (progress.pending >= MAX_AHEAD) {
          await wake.wait(seen, IDLE_WAIT_MS, ended)
          continue
        }
        const page = await store.readAfter(position, batchSize)
        for (const { event, position: after } of page.events) begin(event, after)
        position = page.position
        if (!page.more) await wake.wait(seen, IDLE_WAIT_MS, ended)
      }
    } finally {
      lanes.stop()
      await lanes.idle()
      saver.cancel()
    }
    if (failure) throw failure.error
    await saver.flush()
  }
}
