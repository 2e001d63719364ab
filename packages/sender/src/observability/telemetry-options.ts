import { readFlag } from '../invalid-option.ts'

/** What is told to OpenTelemetry, and to consumers. */
export interface TelemetryOptions {
  /**
   * Adds the endpoint's id to metrics, `x_webhooks.endpoint_id`: one series for each endpoint.
   * @defaultValue false
   */
  readonly perEndpoint?: boolean | undefined
  /**
   * Sends a `traceparent` with every request about an event that was raised in a trace, so that the
   * consumer's spans join it.
   * @defaultValue true
   */
  readonly traceparent?: boolean | undefined
}

/** The same with every default in place. */
export interface TelemetrySettings {
  readonly perEndpoint: boolean
  readonly traceparent: boolean
}

/** @throws WebhookSenderError `invalid_option` */
export function readTelemetryOptions({
  perEndpoint = false,
  traceparent = true,
}: TelemetryOptions): TelemetrySettings {
  return Object.freeze({
    perEndpoint: readFlag('telemetry.perEndpoint', perEndpoint),
    traceparent: readFlag('telemetry.traceparent', traceparent),
  })
}
