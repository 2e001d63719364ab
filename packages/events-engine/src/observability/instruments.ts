import { type Counter, type Histogram, type MeterProvider, metrics } from '@opentelemetry/api'

/** The name of the meter and of the tracer. */
export const SCOPE = '@x/events-engine'

/** What is counted and measured as it happens. */
export interface Instruments {
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
export function createInstruments(): () => Instruments {
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
