import {
  type Counter,
  createNoopMeter,
  type Histogram,
  type Meter,
  type MeterProvider,
  metrics,
} from '@opentelemetry/api'

/** The name of the meter and of the tracer. */
export const SCOPE = '@x/sender'

/** What is counted and measured as it happens. */
export interface Instruments {
  readonly deliveries: Counter
  readonly attemptDuration: Histogram
}

// An attempt ends after 20 seconds, unless the host has set another time.
const DURATION_BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 60]

/**
 * The instruments of the SDK that is registered now; undefined while there is none. The API hands out
 * no stand-ins that come alive later, so that they are made anew once an SDK has come.
 */
export function createInstruments(): () => Instruments | undefined {
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
      description: 'Deliveries that have come to their end in this process.',
    }),
    attemptDuration: meter.createHistogram('x_webhooks.attempt.duration', {
      unit: 's',
      description: 'How long attempts took, the answer included.',
      advice: { explicitBucketBoundaries: DURATION_BUCKETS },
    }),
  }
}
