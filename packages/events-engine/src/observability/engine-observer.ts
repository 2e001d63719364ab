import { type Counter, type Histogram, type MeterProvider, metrics } from '@opentelemetry/api'
import type { Clock, SyncEvent } from '@x/events-core'
import { errorTypeOf, inCallSpan, type ObservedCall, SCOPE } from './tracing.ts'

/** What an engine has done since it was created. */
export interface EngineCounts {
  /** Events written; also those whose transaction was rolled back afterwards, and none that triggers raised. */
  readonly raised: number
  /** Events handled, once for each subscription. */
  readonly handled: number
  /** Calls of subscribers that failed. */
  readonly failed: number
  /** Events parked. */
  readonly parked: number
}

/** Counts what happens in the engine, and passes it on to OpenTelemetry. */
export interface EngineObserver {
  readonly counts: EngineCounts
  raised(event: SyncEvent): void
  /** Makes one call of a subscriber in a span, and measures its duration. */
  call(call: ObservedCall, work: () => Promise<void>): Promise<void>
  /** Counts events that a subscription has handled for good. */
  handled(subscription: string, events: readonly SyncEvent[]): void
  failed(subscription: string, error: unknown): void
  parked(subscription: string): void
}

const SUBSCRIPTION = 'x_events.subscription'
const ACTION = 'x_events.action'
/** Hosts name their own actions. Those beyond this number are counted together. */
const MAX_ACTIONS = 100

/** Creates the observer of an engine. */
export function createEngineObserver(clock: Clock): EngineObserver {
  const instruments = createInstruments()
  const counts = { raised: 0, handled: 0, failed: 0, parked: 0 }
  const actions = new Map<string, { readonly [ACTION]: string }>()

  function attributesOf(action: string): { readonly [ACTION]: string } {
    const known = actions.get(action)
    if (known) return known
    if (actions.size >= MAX_ACTIONS) return { [ACTION]: '_OTHER' }
    const attributes = { [ACTION]: action }
    actions.set(action, attributes)
    return attributes
  }

  return {
    get counts() {
      return { ...counts }
    },
    raised({ action }) {
      counts.raised += 1
      instruments().raised.add(1, attributesOf(action))
    },
    async call(call, work) {
      const startedAt = performance.now()
      const attributes: Record<string, string> = { [SUBSCRIPTION]: call.subscription }
      try {
        await inCallSpan(call, work)
      } catch (error) {
        attributes['error.type'] = errorTypeOf(error)
        throw error
      } finally {
        instruments().handlingDuration.record((performance.now() - startedAt) / 1_000, attributes)
      }
    },
    handled(subscription, events) {
      counts.handled += events.length
      const { handled, handlingDelay } = instruments()
      const attributes = { [SUBSCRIPTION]: subscription }
      const now = clock.now()
      handled.add(events.length, attributes)
      for (const { modifiedOn } of events) {
        // Another node's clock may be ahead of ours.
        handlingDelay.record(Math.max(0, now - modifiedOn.getTime()) / 1_000, attributes)
      }
    },
    failed(subscription, error) {
      counts.failed += 1
      instruments().failed.add(1, { [SUBSCRIPTION]: subscription, 'error.type': errorTypeOf(error) })
    },
    parked(subscription) {
      counts.parked += 1
      instruments().parked.add(1, { [SUBSCRIPTION]: subscription })
    },
  }
}

/** What is counted and measured as it happens. */
interface Instruments {
  readonly raised: Counter
  readonly handled: Counter
  readonly failed: Counter
  readonly parked: Counter
  readonly handlingDuration: Histogram
  readonly handlingDelay: Histogram
}

const DURATION_BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30]
const DELAY_BUCKETS = [...DURATION_BUCKETS, 60, 300, 1_800, 3_600]

/**
 * The instruments of the SDK that is registered now; without one, they do nothing. The API hands out
 * no stand-ins that come alive later, so that they are made anew once an SDK has come.
 */
function createInstruments(): () => Instruments {
  let madeBy: MeterProvider | undefined
  let instruments: Instruments | undefined

  return () => {
    const provider = metrics.getMeterProvider()
    if (instruments === undefined || provider !== madeBy) {
      madeBy = provider
      instruments = instrumentsOf(provider)
    }
    return instruments
  }
}

function instrumentsOf(provider: MeterProvider): Instruments {
  const meter = provider.getMeter(SCOPE)
  const counter = (name: string, unit: string, description: string) =>
    meter.createCounter(name, { unit, description })
  const seconds = (name: string, description: string, explicitBucketBoundaries: number[]) =>
    meter.createHistogram(name, { unit: 's', description, advice: { explicitBucketBoundaries } })

  return {
    raised: counter('x_events.raised', '{event}', 'Events written into the log by this process.'),
    handled: counter('x_events.handled', '{event}', 'Events that a subscription has handled.'),
    failed: counter('x_events.failed', '{call}', 'Calls of a subscriber that failed.'),
    parked: counter('x_events.parked', '{event}', 'Events parked after their last try.'),
    handlingDuration: seconds(
      'x_events.handling.duration',
      'How long calls of a subscriber took.',
      DURATION_BUCKETS,
    ),
    handlingDelay: seconds(
      'x_events.handling.delay',
      'Time from when an event was raised to when it was handled.',
      DELAY_BUCKETS,
    ),
  }
}
