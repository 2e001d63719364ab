import { type BatchObservableResult, metrics } from '@opentelemetry/api'
import type { Clock, Logger } from '@x/events-core'
import { detached } from '@x/events-engine/support'
import type { DeliveryStore } from '../delivery-store.ts'
import { SCOPE } from './metrics.ts'

/** What {@link offerQueue} works with. */
export interface QueueGaugesParts {
  readonly store: Pick<DeliveryStore, 'measureQueue'>
  readonly clock: Clock
  readonly logger: Logger
  inFlight(): number
}

// Counting more takes longer than a host can spare each time that somebody collects.
const COUNTED_AT_MOST = 100_000

/**
 * Offers how much waits to the SDK that is registered now. The database is asked only when that SDK
 * collects.
 *
 * @returns a function that ends it.
 */
export function offerQueue({ store, clock, logger, inFlight }: QueueGaugesParts): () => void {
  const meter = metrics.getMeter(SCOPE)
  const gauge = (name: string, unit: string, description: string) =>
    meter.createObservableGauge(name, { unit, description })
  const depth = gauge(
    'x_webhooks.queue.depth',
    '{delivery}',
    'Deliveries that wait, due or not; at most 100000 are counted.',
  )
  const age = gauge('x_webhooks.queue.oldest_due_age', 's', 'How long the oldest has been due.')
  const exhausted = gauge(
    'x_webhooks.exhausted',
    '{delivery}',
    'Deliveries that have failed for good, and are kept; at most 100000 are counted.',
  )
  const underWay = gauge('x_webhooks.in_flight', '{request}', 'Requests of this process that are under way.')
  const stored = [depth, age, exhausted]

  async function measure() {
    const now = clock.now()
    const { oldestDueOn, ...counts } = await store.measureQueue(now, COUNTED_AT_MOST)
    return { ...counts, oldestDueAgeMs: oldestDueOn === null ? 0 : now - oldestDueOn }
  }

  let measuring: ReturnType<typeof measure> | undefined
  // A database that answers slowly must not be asked again while it does.
  function measureOnce(): ReturnType<typeof measure> {
    measuring ??= detached(measure).finally(() => {
      measuring = undefined
    })
    return measuring
  }

  async function observe(result: BatchObservableResult): Promise<void> {
    try {
      const queue = await measureOnce()
      result.observe(depth, queue.pending)
      result.observe(age, queue.oldestDueAgeMs / 1_000)
      result.observe(exhausted, queue.exhausted)
    } catch (error) {
      logger.warn({ err: error }, 'The queue of webhooks could not be measured')
    }
  }
  const observeInFlight = (result: BatchObservableResult) => result.observe(underWay, inFlight())

  meter.addBatchObservableCallback(observe, stored)
  meter.addBatchObservableCallback(observeInFlight, [underWay])
  return () => {
    meter.removeBatchObservableCallback(observe, stored)
    meter.removeBatchObservableCallback(observeInFlight, [underWay])
  }
}
