import { WebhookVerificationError } from './errors.ts'

/** A body as it arrived. A string stands for its UTF-8 bytes; bytes are safer, since nothing decoded them before. */
export type RawBody = string | Uint8Array | ArrayBuffer

// Short, since it is part of every bundle. The adapters of @x/receiver say more.
const HOW_TO_GET_IT =
  'What a parser made is not what was signed. ' +
  'Express: webhook() of @x/receiver/express, or express.raw(), before express.json(). ' +
  'Fastify: parseAs "buffer". fetch: request.arrayBuffer(). NestJS: rawBody: true.'

function isArrayBuffer(value: unknown): value is ArrayBuffer {
  // By tag, since test runners hand over those of another realm, which `instanceof` does not know.
  return Object.prototype.toString.call(value) === '[object ArrayBuffer]'
}

/**
 * Takes a body as bytes, or as a string that stands for exactly one sequence of bytes.
 *
 * @throws {@link WebhookVerificationError} (`invalid_body`) for what a body parser made, saying how to come by the bytes.
 */
export function takeRawBody(body: RawBody): Uint8Array | string {
  if (typeof body === 'string') {
    // Half of a surrogate pair would be hashed as U+FFFD: another text under the same signature.
    if (body.isWellFormed()) return body
    throw new WebhookVerificationError('invalid_body', 'The body is not well-formed text.')
  }
  if (ArrayBuffer.isView(body)) {
    const view: ArrayBufferView = body
    return view instanceof Uint8Array ? view : new Uint8Array(view.buffer, view.byteOffset, view.byteLength)
  }
  if (isArrayBuffer(body)) return new Uint8Array(body)
  throw new WebhookVerificationError(
    'invalid_body',
    `The body must be a string, Uint8Array or ArrayBuffer, as it arrived; got ${typeof body}. ${HOW_TO_GET_IT}`,
  )
}
