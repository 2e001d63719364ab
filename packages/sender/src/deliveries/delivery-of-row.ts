import type { EndpointRow } from '../endpoints/fields.ts'
import { requestHeaders, sequenceHeaders } from '../http/post.ts'
import { deliveryIdOf, isTestEvent } from '../ids.ts'
import { digestOf, looksSecret, MASK, pairsOf } from './attempt-details.ts'
import type { AttemptRequest, Delivery, DeliveryAttempt } from './delivery.ts'
import type { DeliveryReason } from './delivery-reason.ts'
import type { AttemptRow, DeliveryRow } from './delivery-row.ts'

/** A delivery as users see it. */
export function deliveryOf(row: DeliveryRow, reason: DeliveryReason): Delivery {
  return {
    id: deliveryIdOf(row),
    endpointId: row.endpointId,
    tenantId: row.tenantId,
    eventId: row.eventId,
    eventType: row.eventType,
    state: row.state,
    reason,
    attemptCount: row.attemptCount,
    ...(row.state === 'pending' && row.dueOn !== null ? { dueOn: new Date(row.dueOn) } : {}),
    createdOn: new Date(row.createdOn),
    ...(row.finishedOn === null ? {} : { finishedOn: new Date(row.finishedOn) }),
    ...(row.lastStatus === null ? {} : { lastStatus: row.lastStatus }),
    ...(row.lastErrorCode === null ? {} : { lastErrorCode: row.lastErrorCode }),
    ...(row.link === null ? {} : { sequence: row.link.sequence }),
    ...(isTestEvent(row.eventId) ? { test: true } : {}),
  }
}

/** What an attempt is shown with. */
export interface AttemptContext {
  readonly delivery: Pick<DeliveryRow, 'eventId' | 'endpointId' | 'link'>
  /** Undefined once it is deleted. */
  readonly endpoint: EndpointRow | undefined
  readonly userAgent: string
  /** What each request says of the system that sends it, where it has a name. */
  readonly webhookOrigin: string | undefined
  /** Of the message, name and value in turn. */
  readonly messageHeaders: readonly string[] | null
  readonly revealHeaders: boolean
}

/** An attempt as users see it. */
export function attemptOf(row: AttemptRow, context: AttemptContext): DeliveryAttempt {
  const { details } = row
  const { received, omitted, connection, timings } = details ?? {}
  const response = row.status !== null && {
    status: row.status,
    body: row.responseBody ?? '',
    ...(received && { headers: Object.fromEntries(pairsOf(received)) }),
    ...(omitted !== undefined && { omittedHeaders: omitted }),
  }
  return {
    number: row.number,
    startedOn: new Date(row.startedOn),
    durationMs: row.durationMs,
    request: requestOf(row, context),
    ...(response && { response }),
    ...(connection && { connection }),
    ...(timings && { timings }),
    ...(row.errorCode === null ? {} : { errorCode: row.errorCode }),
    ...(row.errorMessage === null ? {} : { errorMessage: row.errorMessage }),
  }
}

function requestOf(row: AttemptRow, context: AttemptContext): AttemptRequest {
  const { endpoint, revealHeaders } = context
  const headers = new Map(pairsOf(row.details?.sent ?? composedHeaders(row, context)))
  const masked: string[] = []
  const isUnchanged = endpoint !== undefined && endpoint.updatedOn <= row.startedOn
  const own = row.details
    ? pairsOf(row.details.own)
    : Object.entries(isUnchanged ? endpoint.headers : {}).map(
        ([name, value]) => [name, digestOf(name, value)] as const,
      )
  for (const [name, value] of headers) {
    if (revealHeaders || !looksSecret(name, value)) continue
    masked.push(name)
    headers.set(name, MASK)
  }
  for (const [name, digest] of own) {
    const value = endpoint?.headers[name]
    if (revealHeaders && value !== undefined && digestOf(name, value) === digest) headers.set(name, value)
    else {
      masked.push(name)
      headers.set(name, MASK)
    }
  }
  return {
    method: 'POST',
    url: row.url,
    headers: Object.fromEntries(headers),
    maskedHeaders: [...new Set(masked)],
    source: row.details ? 'kept' : 'composed',
  }
}

/** Without the endpoint's own headers. */
function composedHeaders(row: AttemptRow, context: AttemptContext): string[] {
  const { delivery, userAgent, webhookOrigin, messageHeaders } = context
  const { eventId, endpointId, link } = delivery
  const timestamp = Math.floor(row.startedOn / 1_000)
  const headers = requestHeaders(userAgent, eventId, timestamp, row.signature, messageHeaders)
  if (link) headers.push(...sequenceHeaders({ endpoint: endpointId, ...link }, undefined))
  if (webhookOrigin !== undefined) headers.push('webhook-request-origin', webhookOrigin)
  return headers
}
