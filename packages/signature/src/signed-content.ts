import { EventsError } from '@x/events-core'

/** What is signed: the exact bytes that travel, under the id and the time of the attempt. */
export interface MessageToSign {
  /** The `webhook-id`: the same for every attempt. */
  readonly id: string
  /** The `webhook-timestamp`: whole seconds since 1970, of this attempt. */
  readonly timestamp: number
  /** The body as it is sent; a string stands for its UTF-8 bytes. */
  readonly body: Uint8Array | string
}

/** The bytes under a signature, in two parts so that the body need not be copied. */
export interface SignedContent {
  /** `${id}.${timestamp}.`: ASCII. */
  readonly head: string
  readonly body: Uint8Array | string
}

// No full stop: it separates id, timestamp and body in what is signed, so that an id with one would
// let the boundaries be moved without touching the signature. No white space, no control character.
const MESSAGE_ID = /^[!-\-/-~]{1,256}$/

/** What receivers read. */
const MAX_TIMESTAMP = 999_999_999_999

/** Whether a string can be a `webhook-id`. */
export function isMessageId(value: string): boolean {
  return typeof value === 'string' && MESSAGE_ID.test(value)
}

/**
 * The content that a sender signs.
 *
 * @throws EventsError (`invalid_argument`) for an id, timestamp or body that no receiver would accept.
 */
export function contentToSign(message: MessageToSign): SignedContent {
  const { id, timestamp, body }: MessageToSign = Object(message)
  if (!isMessageId(id)) {
    throw new EventsError(
      'invalid_argument',
      `sign: id must be 1 to 256 visible ASCII characters without a full stop, got ${JSON.stringify(id)?.slice(0, 100)}`,
    )
  }
  if (!Number.isSafeInteger(timestamp) || timestamp < 0 || timestamp > MAX_TIMESTAMP) {
    throw new EventsError(
      'invalid_argument',
      `sign: timestamp must be whole seconds since 1970, of 12 digits at most, got ${String(timestamp)}`,
    )
  }
  const isBody = typeof body === 'string' ? body.isWellFormed() : ArrayBuffer.isView(body)
  if (!isBody) {
    throw new EventsError(
      'invalid_argument',
      `sign: body must be a Uint8Array, or a string without lone surrogates, got ${typeof body}`,
    )
  }
  return { head: `${id}.${timestamp}.`, body }
}

const encoder = new TextEncoder()

/** The content as one sequence of bytes, for runtimes that sign nothing else. */
export function contentBytes({ head, body }: SignedContent): Uint8Array<ArrayBuffer> {
  if (typeof body === 'string') return encoder.encode(head + body)
  const bytes = new Uint8Array(head.length + body.length)
  encoder.encodeInto(head, bytes)
  bytes.set(body, head.length)
  return bytes
}
