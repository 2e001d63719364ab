import { type WebhookHeaders, WebhookVerificationError } from '@x/signature'
import type { WebhookEvent } from './event-patterns.ts'
import { fetchHeadersOf } from './fetch-headers.ts'

type JsonObject = Readonly<Record<string, unknown>>

/** Gives an event from the envelope of a CloudEvent (structured mode) the timestamp that others have. */
export function withTimestamp(value: object): void {
  const { specversion, time } = value as JsonObject
  if (typeof specversion !== 'string' || typeof time !== 'string') return
  Object.assign(value, { timestamp: time })
}

/** Whether headers say that the body is the data of a CloudEvent in binary mode. */
export function isBinaryCloudEvent(given: WebhookHeaders): boolean {
  const headers = fetchHeadersOf(given)
  return headers.has('ce-specversion') && headers.has('ce-type')
}

/**
 * Reads a CloudEvent in binary mode: its attributes are headers, and the body is the data alone. The headers are not
 * signed, so that only a receiver that was told to calls this; a type that the signed data of an x-events host
 * contradicts is refused.
 *
 * @returns undefined when it is none.
 * @throws WebhookVerificationError (`invalid_body`)
 */
export function binaryCloudEvent(data: unknown, given: WebhookHeaders): Omit<WebhookEvent, 'id'> | undefined {
  if (!isBinaryCloudEvent(given)) return undefined
  const headers = fetchHeadersOf(given)
  const type = attribute(headers, 'type')
  const { entityName, action } = Object(data) as JsonObject
  if (typeof entityName === 'string' && typeof action === 'string' && `${entityName}.${action}` !== type) {
    throw new WebhookVerificationError(
      'invalid_body',
      'The header ce-type says something else than the data that was signed.',
    )
  }
  return { type, timestamp: attribute(headers, 'time') ?? '', data } as Omit<WebhookEvent, 'id'>
}

/** Percent-decoded, as the HTTP binding of CloudEvents has it. */
function attribute(headers: Headers, name: string): string | undefined {
  const value = headers.get(`ce-${name}`) ?? undefined
  if (value === undefined || !value.includes('%')) return value
  try {
    return decodeURIComponent(value)
  } catch {
    return value
  }
}
