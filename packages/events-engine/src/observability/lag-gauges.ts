import { type BatchObservableResult, metrics } from '@opentelemetry/api'
import type { Logger } from '@x/events-core'
import { detached } from './detached.ts'
import { SCOPE } from './instruments.ts'

/** What is offered of one subscription. */
export interface MeasuredLag {
  readonly name: string
  readonly lagEvents: number
  readonly lagSeconds: number
  readonly parked: number
}

/**
 * Offers the lag of every durable subscription to the SDK that is registered now. Nothing is measured
 * but when that SDK collects.
 *
 * @returns a function that ends it.
 */
export function offerLag(measure: () => Promise<MeasuredLag[]>, logger: Logger): () => void {
  const meter = metrics.getMeter(SCOPE)
  const gauge = (name: string, unit: string, description: string) =>
    meter.createObservableGauge(name, { unit, description })
  const events = gauge(
    'x_events.subscription.lag.events',
    '{event}',
    'Events that a subscription has yet to pass; at most 10000 are counted.',
  )
  const time = gauge(
    'x_events.subscription.lag.time',
    's',
    'Age of the oldest event that a subscription has yet to pass.',
  )
  const parked = gauge('x_events.subscription.parked', '{event}', 'Events that are set aside.')
  const gauges = [events, time, parked]

  let measuring: Promise<MeasuredLag[]> | undefined
  // A database that answers slowly must not be asked again while it does.
  function measureOnce(): Promise<MeasuredLag[]> {
    measuring ??= detached(measure).finally(() => {
      measuring = undefined
    })
    return measuring
  }

  async function observe(result: BatchObservableResult): Promise<void> {
    try {
      for (const { name, lagEvents, lagSeconds, parked: setAside } of await measureOnce()) {
        const attributes = { 'x_events.subscription': name }
        result.observe(events, lagEvents, attributes)
        result.observe(time, lagSeconds, attributes)
        result.observe(parked, setAside, attributes)
      }
    } catch (error) {
      logger.warn({ err: error }, 'The lag of subscriptions could not be measured')
    }
  }

  meter.addBatchObservableCallback(observe, gauges)
  return () => meter.removeBatchObservableCallback(observe, gauges)
}
