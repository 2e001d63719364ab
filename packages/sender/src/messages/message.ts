import { ALL_SITES, ALL_TENANTS, type JsonValue, type SyncEvent, type WebhookPayload } from '@x/events-core'
import { WebhookSenderError } from '../errors.ts'

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

/** A message as it is sent. Every attempt to every endpoint sends and signs these same bytes. */
export interface Message {
  readonly body: string
  /** Headers instead of `content-type: application/json`, name and value in turn; null for that one. */
  readonly headers: readonly string[] | null
}

/** What a message is composed from. */
export interface MessageParts {
  readonly event: SyncEvent
  readonly eventType: string
  /** The value of `data.entity`; undefined leaves it out. */
  readonly entity: JsonValue | undefined
  /** Whether it is a test of the endpoint, of no event. */
  readonly isTest?: boolean
  readonly format: PayloadFormat
  /** The `source` of CloudEvents; undefined for the tenant and site of each event. */
  readonly cloudEventSource: string | undefined
  readonly maxBodyBytes: number
}

/**
 * Makes the message about an event.
 *
 * @throws WebhookSenderError `message_too_large`
 */
export function messageOf(parts: MessageParts): Message {
  const { event, maxBodyBytes } = parts
  const message = write(payloadOf(parts), parts)
  // A character takes at most three bytes: most bodies need not be measured.
  if (message.body.length * 3 > maxBodyBytes) {
    refuseTooLarge(event.id, Buffer.byteLength(message.body), maxBodyBytes)
  }
  return message
}

/** What a message says, whatever the format it is written in. */
export function payloadOf({
  event,
  eventType,
  entity,
  isTest,
}: Pick<MessageParts, 'event' | 'eventType' | 'entity' | 'isTest'>): WebhookPayload {
  const { tenantId, siteId, siteKey, entityName, entityId, action } = event
  return {
    type: eventType,
    timestamp: event.modifiedOn.toISOString(),
    data: {
      tenantId,
      siteId,
      siteKey,
      entityName,
      entityId,
      action,
      ...(isTest ? { test: true } : {}),
      ...(entity === undefined ? {} : { entity }),
    },
  }
}

/** What a message says that was stored, as {@link payloadOf} has it. */
export function storedPayload(
  { body, headers }: Message,
  { eventType, variant }: { readonly eventType: string; readonly variant: string | null },
): object {
  const content = JSON.parse(body) as { readonly time?: string; readonly data: unknown }
  const format = variant?.split(':')[0] ?? 'standard'
  if (format === 'standard') return content
  if (format === 'cloudevents-structured') {
    return { type: eventType, timestamp: content.time, data: content.data }
  }
  const time = headers?.[headers.indexOf('ce-time') + 1]
  return { type: eventType, timestamp: time && decodeURIComponent(time), data: content }
}

function write(payload: WebhookPayload, { event, format, cloudEventSource }: MessageParts): Message {
  if (format === 'standard') return { body: JSON.stringify(payload), headers: null }
  const attributes = cloudEventAttributes(event, payload, cloudEventSource)
  const { data } = payload
  return format === 'cloudevents-binary'
    ? { body: JSON.stringify(data), headers: binaryHeaders(attributes) }
    : { body: JSON.stringify({ ...attributes, data }), headers: STRUCTURED_HEADERS }
}

function refuseTooLarge(eventId: string, bytes: number, maxBodyBytes: number): void {
  if (bytes <= maxBodyBytes) return
  throw new WebhookSenderError(
    'message_too_large',
    `The webhook about event ${eventId} takes ${bytes} bytes, more than the ${maxBodyBytes} of options.maxBodyBytes; attach or render less, or raise the limit and resume the event.`,
  )
}

/** Its attributes, by name: CloudEvents 1.0, and the extensions `tenantid` and `siteid`. */
export type CloudEventAttributes = Readonly<Record<string, string>>

/** The headers of a message in structured mode, name and value in turn. */
const STRUCTURED_HEADERS: readonly string[] = ['content-type', 'application/cloudevents+json; charset=utf-8']

/** @param source - where all events come from; undefined for the tenant and site of each. */
function cloudEventAttributes(
  event: SyncEvent,
  { type, timestamp }: WebhookPayload,
  source: string | undefined,
): CloudEventAttributes {
  return {
    specversion: '1.0',
    id: event.id,
    source: source ?? sourceOf(event),
    type,
    time: timestamp,
    subject: `${event.entityName}/${event.entityId}`,
    datacontenttype: 'application/json',
    tenantid: String(event.tenantId),
    siteid: String(event.siteId),
  }
}

/** The headers of a message in binary mode, name and value in turn. */
function binaryHeaders({ datacontenttype = '', ...attributes }: CloudEventAttributes): string[] {
  const headers = Object.entries(attributes).flatMap(([name, value]) => [`ce-${name}`, headerValue(value)])
  return ['content-type', datacontenttype, ...headers]
}

function sourceOf({ tenantId, siteId }: SyncEvent): string {
  if (tenantId === ALL_TENANTS) return '/tenants'
  return siteId === ALL_SITES ? `/tenants/${tenantId}` : `/tenants/${tenantId}/sites/${siteId}`
}

/** Percent-encoded as the HTTP binding of CloudEvents 1.0.2 has it, section 3.1.3.2. */
function headerValue(value: string): string {
  return value.replaceAll(/[^\x21-\x7e]|["%]/gu, encodeURIComponent)
}
