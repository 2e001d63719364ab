import type { PositionedEvent } from '../store/event-store.ts'
import { callSubscriber } from './call-subscriber.ts'
import { demandLease } from './demand-lease.ts'
import type { LeasedSubscription, LeasedWork } from './leased-work.ts'
import { createPositionSaver } from './position-saver.ts'
import { recordFailure } from './record-failure.ts'
import { callSettingsOf, type DistributorRuntime } from './runtime.ts'
import type { IBatchEventSubscriber, Subscription } from './subscription.ts'

const IDLE_WAIT_MS = 60_000

/**
 * Hands pages to a batch subscriber, each in one transaction with the position. After a failure the
 * same events come one at a time, so that the one that fails is found and the others are handled.
 */
export function createBatchWork<DB>(
  subscription: Subscription<DB>,
  subscriber: IBatchEventSubscriber<DB>,
  runtime: DistributorRuntime<DB>,
): LeasedWork {
  const { db, store, wake, control, logger, observer } = runtime
  const { name, wants, retry, batchSize } = subscription
  const settings = callSettingsOf(subscription, runtime)

  async function handleTogether(
    { fence, signal }: LeasedSubscription,
    positioned: readonly PositionedEvent[],
    after: string,
    attempt: number,
  ): Promise<void> {
    const events = positioned.map(({ event }) => event)
    await db.transaction().execute(async (trx) => {
      // First of all the position: it takes the write lock and finds out whether the lease is still ours.
      demandLease(name, await store.savePosition(fence, after, trx.withoutPlugins()))
      await callSubscriber(
        (context) => subscriber.entitiesChanged(events, { ...context, trx }),
        { events, attempt },
        settings,
        signal,
      )
    })
    observer.handled(name, events)
  }

  /** @returns whether to go on: false when the engine stops or the subscription is blocked. */
  async function handleAlone(
    leased: LeasedSubscription,
    positioned: PositionedEvent,
    failedBefore: number,
  ): Promise<boolean> {
    const { fence, signal } = leased
    for (let attempt = failedBefore + 1; leased.goOn(); attempt++) {
      try {
        await handleTogether(leased, [positioned], positioned.position, attempt)
        return true
      } catch (error) {
        if (signal.aborted) return false
        const failed = { event: positioned.event, attempt, error, after: positioned.position, isNext: true }
        const outcome = await recordFailure(subscription, runtime, fence, failed)
        if (outcome !== 'retry') return outcome === 'parked'
      }
      await control.wait(control.version, retry.delayMs(attempt), signal)
    }
    return false
  }

  /** @returns whether the page was handled to its end. */
  async function handlePage(
    leased: LeasedSubscription,
    wanted: readonly PositionedEvent[],
    after: string,
    failedBefore: number,
  ): Promise<boolean> {
    if (failedBefore === 0) {
      try {
        await handleTogether(leased, wanted, after, 1)
        return true
      } catch (error) {
        if (!leased.goOn()) return false
        observer.failed(name, error)
        if (wanted.length > 1)
          logger.warn({ err: error, subscription: name }, 'A batch failed; its events are tried one by one')
      }
    }
    let failed = failedBefore
    for (const positioned of wanted) {
      if (!(await handleAlone(leased, positioned, failed))) return false
      failed = 0
    }
    return true
  }

  return async function handleInBatches(leased: LeasedSubscription): Promise<void> {
    const { fence, lease, signal, goOn } = leased
    let { position, failedAttempts } = lease
    const lost = new AbortController()
    const saver = createPositionSaver(store, fence, position, (error) => lost.abort(error))
    try {
      while (goOn()) {
        lost.signal.throwIfAborted()
        const seen = wake.version
        const page = await store.readAfter(position, batchSize)
        const wanted = page.events.filter(({ event }) => wants(event))
        if (wanted.length > 0) {
          // The transaction saves the position itself.
          saver.cancel()
          if (!(await handlePage(leased, wanted, page.position, failedAttempts))) return
          failedAttempts = 0
        }
        position = page.position
        saver.passed(position)
        if (!page.more) await wake.wait(seen, IDLE_WAIT_MS, signal)
      }
      await saver.flush()
    } finally {
      saver.cancel()
    }
  }
}
