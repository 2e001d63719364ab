import type { Attributes } from '@opentelemetry/api'
import type { AttemptResult } from '../deliveries/attempt-result.ts'
import { createInstruments } from './metrics.ts'

/** Measures what came of an attempt. */
export type AttemptMeter = (endpointId: string, result: AttemptResult) => void

/** Creates what counts deliveries and measures attempts, for the SDK that is registered. */
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
