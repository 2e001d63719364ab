import { requestHeaders, sequenceHeaders } from '../http/post.ts'
import { deliveryIdOf } from '../ids.ts'
import type { Delivery, DeliveryAttempt } from './delivery.ts'
import type { AttemptRow, DeliveryRow } from './delivery-row.ts'

/** A delivery as users see it. */
export function deliveryOf(row: DeliveryRow): Delivery {
  return {
    id: deliveryIdOf(row),
    endpointId: row.endpointId,
    tenantId: row.tenantId,
    eventId: row.eventId,
    eventType: row.eventType,
    state: row.state,
    attemptCount: row.attemptCount,
    ...(row.state === 'pending' && row.dueOn !== null ? { dueOn: new Date(row.dueOn) } : {}),
    createdOn: new Date(row.createdOn),
    ...(row.finishedOn === null ? {} : { finishedOn: new Date(row.finishedOn) }),
    ...(row.lastStatus === null ? {} : { lastStatus: row.lastStatus }),
    ...(row.lastErrorCode === null ? {} : { lastErrorCode: row.lastErrorCode }),
    ...(row.link === null ? {} : { sequence: row.link.sequence }),
  }
}

/** An attempt as users see it, with the request as it was sent. */
export function attemptOf(
  row: AttemptRow,
  { eventId, endpointId, link }: DeliveryRow,
  userAgent: string,
  ofMessage: readonly string[] | null,
): DeliveryAttempt {
  const timestamp = Math.floor(row.startedOn / 1_000)
  const flat = requestHeaders(userAgent, eventId, timestamp, row.signature, ofMessage)
  if (link) flat.push(...sequenceHeaders({ endpoint: endpointId, ...link }, undefined))
  const headers: Record<string, string> = {}
  for (let index = 0; index < flat.length; index += 2)
    headers[flat[index] as string] = flat[index + 1] as string
  return {
    number: row.number,
    startedOn: new Date(row.startedOn),
    durationMs: row.durationMs,
    request: { method: 'POST', url: row.url, headers },
    ...(row.status === null ? {} : { response: { status: row.status, body: row.responseBody ?? '' } }),
    ...(row.errorCode === null ? {} : { errorCode: row.errorCode }),
    ...(row.errorMessage === null ? {} : { errorMessage: row.errorMessage }),
  }
}
