import { WebhookVerificationError } from '@x/signature'
import { ReceiverError } from './errors.ts'

/** What a body is refused with when it is longer than the receiver reads. */
export function bodyTooLarge(maxBodyBytes: number): WebhookVerificationError {
  return new WebhookVerificationError('body_too_large', `The body is longer than ${maxBodyBytes} bytes.`)
}

/** What is thrown when the sender hung up before all had arrived. */
export function incompleteBody(cause?: unknown): WebhookVerificationError {
  const options = cause === undefined ? {} : { cause }
  return new WebhookVerificationError(
    'invalid_body',
    'The connection was closed before the body was complete.',
    options,
  )
}

/** What is thrown when somebody else has read the body before. */
export function bodyConsumed(advice: string): ReceiverError {
  return new ReceiverError(
    'body_consumed',
    `The body was read before it reached the webhook receiver, so that its signature cannot be checked. ${advice}`,
  )
}

/** Joins what came in pieces. */
export function joinChunks(chunks: readonly Uint8Array[], length: number): Uint8Array {
  const [only] = chunks
  if (only && chunks.length === 1) return only
  const bytes = new Uint8Array(length)
  let offset = 0
  for (const chunk of chunks) {
    bytes.set(chunk, offset)
    offset += chunk.length
  }
  return bytes
}

/**
 * Reads the bytes of a fetch request, no more than the limit. Never its `text()`, which takes away a
 * byte order mark and replaces what is no UTF-8: the signature covers the bytes.
 *
 * @throws {@link WebhookVerificationError} (`body_too_large`), {@link ReceiverError} (`body_consumed`)
 */
export async function readRequestBody(
  request: Request | Response,
  maxBodyBytes: number,
): Promise<Uint8Array> {
  if (request.bodyUsed || request.body?.locked)
    throw bodyConsumed('Pass the request on before anything reads it, or pass request.clone().')
  if (Number(request.headers.get('content-length')) > maxBodyBytes) throw bodyTooLarge(maxBodyBytes)
  if (!request.body) return new Uint8Array()
  const chunks: Uint8Array[] = []
  let length = 0
  try {
    // Counted as it comes: content-length may be absent, or a lie.
    for await (const chunk of request.body) {
      length += chunk.byteLength
      if (length > maxBodyBytes) throw bodyTooLarge(maxBodyBytes)
      chunks.push(chunk)
    }
  } catch (error) {
    throw WebhookVerificationError.is(error) ? error : incompleteBody(error)
  }
  return joinChunks(chunks, length)
}
