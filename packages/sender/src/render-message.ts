import { eventTypeOf, type SyncEvent, type WebhookPayload } from '@x/events-core'
import { WebhookSenderError } from './errors.ts'

/** A message as it travels. */
export interface RenderedMessage {
  readonly eventType: string
  /** JSON. Every attempt to every endpoint sends and signs these same bytes. */
  readonly body: string
}

/**
 * Renders an event, once.
 *
 * @throws WebhookSenderError `message_too_large`
 */
export function renderMessage(event: SyncEvent, maxBodyBytes: number): RenderedMessage {
  const { tenantId, siteId, siteKey, entityName, entityId, action, data } = event
  const eventType = eventTypeOf(event)
  const payload: WebhookPayload = {
    type: eventType,
    timestamp: event.modifiedOn.toISOString(),
    data: {
      tenantId,
      siteId,
      siteKey,
      entityName,
      entityId,
      action,
      ...(data === undefined ? {} : { entity: data }),
    },
  }
  const body = JSON.stringify(payload)
  // A character takes at most three bytes: most bodies need not be measured.
  if (body.length * 3 > maxBodyBytes) refuseTooLarge(event.id, Buffer.byteLength(body), maxBodyBytes)
  return { eventType, body }
}

function refuseTooLarge(eventId: string, bytes: number, maxBodyBytes: number): void {
  if (bytes <= maxBodyBytes) return
  throw new WebhookSenderError(
    'message_too_large',
    `The webhook about event ${eventId} takes ${bytes} bytes, more than the ${maxBodyBytes} of options.maxBodyBytes; attach less data to the event, or raise the limit and resume the event.`,
  )
}
