import {
  type Attributes,
  type BatchObservableResult,
  type Counter,
  createNoopMeter,
  type Histogram,
  type Meter,
  type MeterProvider,
  metrics,
} from '@opentelemetry/api'
import type { Clock, Logger } from '@x/events-core'
import { detached } from '@x/events-engine/internal'
import type { AttemptResult } from '../deliveries/attempt-result.ts'
import type { DeliveryStore } from '../store/store.ts'

/** The name of the meter and of the tracer. */
export const SCOPE = '@x/sender'

/** Instruments that are updated by each attempt. */
export interface Instruments {
  readonly deliveries: Counter
  readonly attemptDuration: Histogram
}

// The default timeout of an attempt is 20 seconds.
const DURATION_BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 60]

/**
 * The instruments of the registered SDK; undefined while there is none. The API's no-op instruments never become real
 * ones, so they are created again once an SDK is registered.
 */
function createInstruments(): () => Instruments | undefined {
  let madeBy: MeterProvider | undefined
  let instruments: Instruments | undefined

  return () => {
    const provider = metrics.getMeterProvider()
    if (provider !== madeBy) {
      madeBy = provider
      const meter = provider.getMeter(SCOPE)
      instruments = meter === createNoopMeter() ? undefined : instrumentsOf(meter)
    }
    return instruments
  }
}

function instrumentsOf(meter: Meter): Instruments {
  return {
    deliveries: meter.createCounter('x_webhooks.deliveries', {
      unit: '{delivery}',
      description: 'Deliveries that reached a final state in this process.',
    }),
    attemptDuration: meter.createHistogram('x_webhooks.attempt.duration', {
      unit: 's',
      description: 'Duration of attempts, the response included.',
      advice: { explicitBucketBoundaries: DURATION_BUCKETS },
    }),
  }
}

/** Measures the outcome of an attempt. */
export type AttemptMeter = (endpointId: string, result: AttemptResult) => void

/** Creates the meter that counts deliveries and measures attempts. */
export function createAttemptMeter(perEndpoint: boolean): AttemptMeter {
  const instruments = createInstruments()

  return (endpointId, result) => {
    const current = instruments()
    if (current === undefined) return
    const { state, status, errorCode, durationMs } = result
    const attributes: Attributes = { 'x_webhooks.result': resultOf(result) }
    if (errorCode !== null) attributes['error.type'] = errorCode
    if (perEndpoint) attributes['x_webhooks.endpoint_id'] = endpointId
    if (state !== 'pending') current.deliveries.add(1, { ...attributes })
    if (status !== null) attributes['http.response.status_code'] = status
    current.attemptDuration.record(durationMs / 1_000, attributes)
  }
}

function resultOf({ counted, state }: AttemptResult): string {
  if (!counted) return 'not_counted'
  return state === 'pending' ? 'failed' : state
}

/** What {@link offerQueue} needs. */
export interface QueueGaugesParts {
  readonly store: Pick<DeliveryStore, 'measureQueue'>
  readonly clock: Clock
  readonly logger: Logger
  inFlight(): number
}

// Counting more takes too long for each collection.
const COUNTED_AT_MOST = 100_000

/**
 * Offers gauges of the queue to the registered SDK. The database is queried only when that SDK collects.
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
  // A slow database gets one query at a time.
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
