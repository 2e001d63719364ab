import { EventEngineError } from '../errors.ts'
import type { Fence, SubscriptionLease } from '../store/event-store.ts'
import { createBatchHandler } from './handle-batch.ts'
import { createEachHandler } from './handle-each.ts'
import { demandLease } from './record-failure.ts'
import { retryParked } from './retry-parked.ts'
import type { DistributorRuntime, SubscriptionRunner } from './runtime.ts'
import { isBatchSubscriber, type Subscription } from './subscription.ts'

const IDLE_WAIT_MS = 60_000
const SAVE_PASSED_OVER_MS = 1_000

/**
 * Handles a subscription, on one node at a time: takes its lease, reads on from the stored position,
 * and saves the position behind what was handled. A crash repeats the events since the last save.
 */
export function createDurableRunner<DB>(
  subscription: Subscription<DB>,
  runtime: DistributorRuntime<DB>,
): SubscriptionRunner {
  const { store, leases, wake, control, clock, logger, leaseMs } = runtime
  const { name, subscriber } = subscription
  const handlePage = isBatchSubscriber(subscriber)
    ? createBatchHandler(subscription, subscriber, runtime)
    : createEachHandler(subscription, subscriber, runtime)
  const stopping = new AbortController()
  const { signal } = stopping
  let loop: Promise<void> = Promise.resolve()

  async function run(): Promise<void> {
    while (!signal.aborted) {
      const seen = control.version
      try {
        const lease = await store.acquireLease(name, leaseMs)
        if (lease) await handleWhileLeased(lease)
      } catch (error) {
        if (EventEngineError.is(error) && error.code === 'lease_lost') {
          logger.debug({ subscription: name }, 'The lease of the subscription has ended')
        } else {
          logger.warn({ err: error, subscription: name }, 'The subscription was interrupted; trying again')
        }
      }
      // Until the lease may be free, or a person has changed something.
      await control.wait(seen, leaseMs / 3, signal)
    }
  }

  async function handleWhileLeased(lease: SubscriptionLease): Promise<void> {
    const fence: Fence = { name, epoch: lease.epoch }
    leases.hold(fence)
    try {
      await handleEvents(fence, lease)
    } finally {
      leases.letGo(fence)
      await store.releaseLease(fence).catch((error: unknown) => {
        logger.debug(
          { err: error, subscription: name },
          'The lease could not be handed back; it will run out',
        )
      })
    }
  }

  async function handleEvents(fence: Fence, lease: SubscriptionLease): Promise<void> {
    let { position, failedAttempts } = lease
    let saved = position
    let savedAt = clock.now()
    await retryParked(subscription, runtime, signal)

    /** Passing over unwanted events is only written down now and then: reading them again is cheap. */
    async function savePassedOver(): Promise<void> {
      demandLease(name, await store.savePosition(fence, position))
      saved = position
      savedAt = clock.now()
    }

    // After a change by a person the lease is taken anew, to see what has changed.
    const changesSeen = control.version
    while (!signal.aborted && control.version === changesSeen) {
      demandLease(name, leases.isHeld(fence))
      if (saved !== position && clock.now() - savedAt >= SAVE_PASSED_OVER_MS) await savePassedOver()
      const seen = wake.version
      const page = await store.readAfter(position, subscription.batchSize)
      if (page.events.some(({ event }) => subscription.wants(event))) {
        const outcome = await handlePage({ fence, start: position, page, failedAttempts, signal })
        position = saved = outcome.position
        savedAt = clock.now()
        failedAttempts = 0
        if (!outcome.goOn) return
      } else {
        position = page.position
        if (!page.more) {
          await wake.wait(seen, saved === position ? IDLE_WAIT_MS : SAVE_PASSED_OVER_MS, signal)
        }
      }
    }
    if (saved !== position) await savePassedOver()
  }

  return {
    async start() {
      const from = subscription.from === 'start' ? store.startPosition() : await store.endPosition()
      await store.createSubscription(name, from)
      loop = run()
    },
    async stop() {
      stopping.abort()
      await loop
    },
  }
}
