import { type WebhookHeaders, WebhookVerificationError } from '@x/signature'
import { binaryCloudEvent, isBinaryCloudEvent, withTimestamp } from './cloud-event.ts'
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

function invalidBody(advice: string): WebhookVerificationError {
  return new WebhookVerificationError(
    'invalid_body',
    `The body must be a JSON object with a string "type".${advice}`,
  )
}

const BINARY_ADVICE =
  ' Its headers are those of a CloudEvent in binary mode, which no signature covers: have the sender use structured mode, or see trustUnsignedCloudEventHeaders of createReceiver.'

/** What besides the signed body may decide what an event is. */
export interface PayloadSource {
  readonly id: string
  readonly body: Uint8Array | string
  /** Not signed, but for those of the signature. */
  readonly headers: WebhookHeaders
}

/** Reads the body of a verified message. */
export type ParsePayload = (source: PayloadSource) => WebhookEvent

/**
 * Builds what reads the bodies of verified messages. It throws {@link WebhookVerificationError} (`invalid_body`) for
 * what is not a JSON object with a `type`.
 *
 * @param trustsCloudEventHeaders - whether a CloudEvent in binary mode, whose type is a header, is read at all.
 */
export function createParsePayload(trustsCloudEventHeaders: boolean): ParsePayload {
  return ({ id, body, headers }) => {
    const parsed = parseJson(body)
    const binary =
      trustsCloudEventHeaders && !isWholeEvent(parsed) ? binaryCloudEvent(parsed, headers) : undefined
    const value = binary ?? parsed
    if (!isPayload(value)) throw invalidBody(isBinaryCloudEvent(headers) ? BINARY_ADVICE : '')
    if (value.timestamp === undefined) withTimestamp(value)
    // Set on what was parsed just now: to copy it would cost as much as parsing a short one.
    const event: { id: string } = value
    event.id = id
    return value
  }
}

/** Whether a body needs no header to be an event: what was signed then wins over what was not. */
function isWholeEvent(value: unknown): boolean {
  return isPayload(value) && (value.data !== undefined || 'specversion' in value)
}
