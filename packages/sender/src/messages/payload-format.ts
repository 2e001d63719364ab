/**
 * How a message is written. `standard`: the JSON of Standard Webhooks, `{ type, timestamp, data }`.
 * `cloudevents-structured`: a CloudEvents 1.0 envelope, as `application/cloudevents+json`. `cloudevents-binary`: its
 * attributes as `ce-` headers, and `data` alone as the body; the signature covers the body, not those headers.
 */
export type PayloadFormat = 'standard' | 'cloudevents-structured' | 'cloudevents-binary'

/** Every one of them. */
export const PAYLOAD_FORMATS: readonly PayloadFormat[] = [
  'standard',
  'cloudevents-structured',
  'cloudevents-binary',
]
