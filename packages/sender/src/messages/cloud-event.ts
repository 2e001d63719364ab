import { ALL_SITES, ALL_TENANTS, type SyncEvent, type WebhookPayload } from '@x/events-core'

/** Its attributes, by name: CloudEvents 1.0, and the extensions `tenantid` and `siteid`. */
export type CloudEventAttributes = Readonly<Record<string, string>>

/** The headers of a message in structured mode, name and value in turn. */
export const STRUCTURED_HEADERS: readonly string[] = [
  'content-type',
  'application/cloudevents+json; charset=utf-8',
]

/** @param source - where all events come from; undefined for the tenant and site of each. */
export function cloudEventAttributes(
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
export function binaryHeaders({ datacontenttype = '', ...attributes }: CloudEventAttributes): string[] {
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
