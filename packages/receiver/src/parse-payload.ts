import { type WebhookHeaders, WebhookVerificationError } from '@x/signature'
import { binaryCloudEvent, withTimestamp } from './cloud-event.ts'
import type { WebhookEvent } from './event-patterns.ts'

// Bytes that are no UTF-8 would come out as U+FFFD: a text that nobody signed.
const decoder = new TextDecoder('utf-8', { fatal: true })

// A decoder takes a byte order mark away; whoever decoded this string may have kept it.
function withoutMark(text: string): string {
  return text.charCodeAt(0) === 0xfeff ? text.slice(1) : text
}

// Also where JSON spells one of its letters as \u00xx; mistaking a text for one costs only time.
function mayNamePrototype(json: string): boolean {
  return json.includes('__proto__') || json.includes('\\u00')
}

function withoutPrototype(key: string, value: unknown): unknown {
  return key === '__proto__' ? undefined : value
}

/**
 * Reads JSON. A member `__proto__`, harmless here, is left out, since it sets the prototype of
 * whatever object the event is merged into later.
 *
 * @throws {@link WebhookVerificationError} (`invalid_body`)
 */
export function parseJson(body: Uint8Array | string): unknown {
  try {
    const text = typeof body === 'string' ? withoutMark(body) : decoder.decode(body)
    // A reviver makes parsing several times slower, so that only a text that needs it gets it.
    return mayNamePrototype(text) ? JSON.parse(text, withoutPrototype) : JSON.parse(text)
  } catch (error) {
    throw new WebhookVerificationError('invalid_body', 'The body is not JSON in UTF-8.', { cause: error })
  }
}

function isPayload(value: unknown): value is WebhookEvent {
  return (
    typeof value === 'object' &&
    value !== null &&
    Object.hasOwn(value, 'type') &&
    typeof (value as { readonly type: unknown }).type === 'string'
  )
}

/**
 * Reads the body of a verified message.
 *
 * @param headers - where a CloudEvent in binary mode has its type.
 * @throws {@link WebhookVerificationError} (`invalid_body`) when it is not a JSON object with a `type`.
 */
export function parsePayload(id: string, body: Uint8Array | string, headers: WebhookHeaders): WebhookEvent {
  const parsed = parseJson(body)
  // Only what has no data of its own can be the data of a CloudEvent: for all others, no header is looked at.
  const hasData = isPayload(parsed) && parsed.data !== undefined
  const value = hasData ? parsed : (binaryCloudEvent(parsed, headers) ?? parsed)
  if (isPayload(value)) {
    if (value.timestamp === undefined) withTimestamp(value)
    // Set on what was parsed just now: to copy it would cost as much as parsing a short one.
    const event: { id: string } = value
    event.id = id
    return value
  }
  throw new WebhookVerificationError('invalid_body', 'The body must be a JSON object with a string "type".')
}
