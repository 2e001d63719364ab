import type { JsonValue, SyncEvent, WebhookPayload } from '@x/events-core'
import { WebhookSenderError } from '../errors.ts'
import { binaryHeaders, cloudEventAttributes, STRUCTURED_HEADERS } from './cloud-event.ts'
import type { PayloadFormat } from './payload-format.ts'

/** A message as it travels. Every attempt to every endpoint sends and signs these same bytes. */
export interface Message {
  readonly body: string
  /** Instead of the usual content type: name and value in turn. Null for the usual one. */
  readonly headers: readonly string[] | null
}

/** What a message is made of. */
export interface MessageParts {
  readonly event: SyncEvent
  readonly eventType: string
  /** What stands as `data.entity`; undefined: nothing. */
  readonly entity: JsonValue | undefined
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

function payloadOf({ event, eventType, entity }: MessageParts): WebhookPayload {
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
      ...(entity === undefined ? {} : { entity }),
    },
  }
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
