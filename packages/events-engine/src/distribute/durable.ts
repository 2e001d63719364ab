import type { SubscriptionLease } from '../store/leases.ts'
import type { Position } from '../store/position.ts'
import type { Fence } from '../store/save-position.ts'
import { createAheadWork } from './ahead.ts'
import { isAheadSubscriber } from './ahead-subscriber.ts'
import { createBatchWork } from './batches.ts'
import { assertLease, isLeaseLost } from './call.ts'
import { retryParked } from './parked.ts'
import { createPartitionWork } from './partitions.ts'
import type { DistributorRuntime, LeasedSubscription, LeasedWork, SubscriptionRunner } from './runtime.ts'
import { isBatchSubscriber, type Subscription } from './subscription.ts'

function workOf<DB>(subscription: Subscription<DB>, runtime: DistributorRuntime<DB>): LeasedWork {
  const { subscriber } = subscription
  if (!isBatchSubscriber(subscriber)) return createPartitionWork(subscription, subscriber, runtime)
  if (isAheadSubscriber(subscriber)) return createAheadWork(subscription, subscriber, runtime)
  return createBatchWork(subscription, subscriber, runtime)
}

/**
 * Handles a subscription, on one node at a time: takes its lease, reads on from the stored position,
 * and saves the position behind what was handled. A crash repeats the events since the last save.
 */
export function createDurableRunner<DB>(
  subscription: Subscription<DB>,
  runtime: DistributorRuntime<DB>,
): SubscriptionRunner {
  const { store, positions, leases, control, logger, leaseMs } = runtime
  const { name } = subscription
  const handleEvents = workOf(subscription, runtime)
  const stopping = new AbortController()
  const { signal } = stopping
  let loop: Promise<void> = Promise.resolve()

  async function run(): Promise<void> {
    while (!signal.aborted) {
      const seen = control.version
      try {
        const lease = await store.acquireLease(name, leaseMs)
        if (lease) await handleWhileLeased(lease, seen)
      } catch (error) {
        if (isLeaseLost(error)) {
          logger.warn({ subscription: name }, 'The lease of a subscription was lost')
        } else {
          logger.warn({ err: error, subscription: name }, 'The subscription was interrupted; trying again')
        }
      }
      // Until the lease may be free, or a person has changed something.
      await control.wait(seen, leaseMs / 3, signal)
    }
  }

  /** @param seen - the version of `control` before the lease was taken, which may not show later changes. */
  async function handleWhileLeased(lease: SubscriptionLease, seen: number): Promise<void> {
    const fence: Fence = { name, epoch: lease.epoch }
    const goOn = () => {
      if (signal.aborted) return false
      assertLease(name, leases.isHeld(fence))
      // After a change by a person the lease is taken anew, to see what has changed.
      return control.version === seen && !leases.isOutdated(fence)
    }
    leases.hold(fence, lease.revision)
    try {
      const leased: LeasedSubscription = {
        fence,
        lease,
        signal,
        goOn,
        pause: (ms) => control.wait(seen, ms, signal),
      }
      await retryParked(subscription, runtime, leased)
      await handleEvents(leased)
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

  async function firstPosition(): Promise<Position> {
    const { from } = subscription
    if (from === 'now') return store.endPosition()
    return from === 'start' ? store.startPosition() : (await positions.read(from.position)).position
  }

  /** A subscription that was abandoned may have missed events, which a person must know. */
  async function warnOfGap(stored: Position): Promise<void> {
    if ((await store.findPlace(stored)) !== 'kept') {
      logger.error({ subscription: name }, 'Events were deleted that the subscription has not handled')
    }
  }

  return {
    async start() {
      // Where it begins matters once: later on, its log may not know that place any more.
      const stored = (await store.listSubscriptions()).find((row) => row.name === name)
      if (stored) await warnOfGap(stored.position)
      else await store.createSubscription(name, await firstPosition())
      loop = run()
    },
    async stop() {
      stopping.abort()
      await loop
    },
  }
}
