import { type BatchObservableResult, metrics } from '@opentelemetry/api'
import type { Clock, Logger } from '@x/events-core'
import type { EventStore } from '../store/event-store.ts'
import type { GivenPositions } from '../store/given-positions.ts'
import { type SubscriptionInfo, subscriptionInfoOf } from '../subscriptions.ts'
import type { EngineCounts, EngineObserver } from './engine-observer.ts'
import { detached, SCOPE } from './tracing.ts'

/** A durable subscription, and how far it is behind. */
export interface SubscriptionStats extends SubscriptionInfo {
  /** Committed events after its stored position, whatever its filter; at most 10,000 are counted. */
  readonly lagEvents: number
  /** Whether there are more than `lagEvents` says. */
  readonly lagCapped: boolean
  /** Age of the oldest of these events, in seconds; 0 where there is none. */
  readonly lagSeconds: number
}

/** The result of `engine.stats()`. */
export interface EngineStats extends EngineCounts {
  /** The name of this engine, as in leases and logs. */
  readonly nodeId: string
  /** Every durable subscription that is stored, whichever node runs it. */
  readonly subscriptions: readonly SubscriptionStats[]
}

/** The report of an engine about itself. */
export interface EngineReport {
  stats(): Promise<EngineStats>
  /** Offers the lag of subscriptions to OpenTelemetry. */
  start(): void
  stop(): void
}

interface ReportParts {
  readonly store: EventStore
  readonly positions: GivenPositions
  readonly nodeId: string
  readonly clock: Clock
  readonly logger: Logger
}

/** Creates the report of an engine. */
export function createEngineReport(
  observer: EngineObserver,
  { store, positions, nodeId, clock, logger }: ReportParts,
): EngineReport {
  let stopOffering = () => {}

  async function measureSubscriptions(): Promise<SubscriptionStats[]> {
    const measured: SubscriptionStats[] = []
    // One after the other: a report must not take many connections of the pool.
    const rows = await store.listSubscriptions()
    if (rows.length === 0) return []
    const write = await positions.writer()
    for (const row of rows) {
      const { events, capped, oldest } = await store.measureLag(row.position)
      measured.push({
        ...subscriptionInfoOf(row, write),
        lagEvents: events,
        lagCapped: capped,
        lagSeconds: oldest === undefined ? 0 : Math.max(0, clock.now() - oldest.getTime()) / 1_000,
      })
    }
    return measured
  }

  return {
    stats: async () => ({ nodeId, ...observer.counts, subscriptions: await measureSubscriptions() }),
    start() {
      stopOffering = offerLag(measureSubscriptions, logger)
    },
    stop: () => stopOffering(),
  }
}

/** What is offered of one subscription. */
export interface MeasuredLag {
  readonly name: string
  readonly lagEvents: number
  readonly lagSeconds: number
  readonly parked: number
}

/**
 * Offers the lag of every durable subscription to the SDK that is registered now. It is measured only when that SDK
 * collects.
 *
 * @returns a function that ends it.
 */
function offerLag(measure: () => Promise<MeasuredLag[]>, logger: Logger): () => void {
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
  const parked = gauge('x_events.subscription.parked', '{event}', 'Parked events.')
  const gauges = [events, time, parked]

  let measuring: Promise<MeasuredLag[]> | undefined
  // A slow database must not get the same query again before it has responded.
  function measureOnce(): Promise<MeasuredLag[]> {
    measuring ??= detached(measure).finally(() => {
      measuring = undefined
    })
    return measuring
  }

  async function observe(result: BatchObservableResult): Promise<void> {
    try {
      for (const { name, lagEvents, lagSeconds, parked: parkedEvents } of await measureOnce()) {
        const attributes = { 'x_events.subscription': name }
        result.observe(events, lagEvents, attributes)
        result.observe(time, lagSeconds, attributes)
        result.observe(parked, parkedEvents, attributes)
      }
    } catch (error) {
      logger.warn({ err: error }, 'The lag of subscriptions could not be measured')
    }
  }

  meter.addBatchObservableCallback(observe, gauges)
  return () => meter.removeBatchObservableCallback(observe, gauges)
}
