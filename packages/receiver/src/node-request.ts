import { WebhookVerificationError } from '@x/signature'
import type { ReceiverResponse } from './problem.ts'
import { bodyConsumed, bodyTooLarge, joinChunks } from './read-body.ts'

/** The part of Node's request that is needed; Express, Connect and plain `node:http` have it. */
export interface NodeRequest {
  readonly method?: string | undefined
  readonly httpVersionMajor?: number | undefined
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>
  /** What a body parser left: bytes or text are used, anything else was parsed. */
  readonly body?: unknown
  /** The bytes that a framework kept beside what it parsed (NestJS, Firebase, Google Cloud Functions). */
  readonly rawBody?: unknown
  readonly readableDidRead?: boolean | undefined
  readonly destroyed?: boolean | undefined
  on(eventName: 'data', listener: (chunk: Uint8Array) => void): unknown
  on(eventName: 'end' | 'close', listener: () => void): unknown
  on(eventName: 'error', listener: (error: Error) => void): unknown
  off(eventName: 'data', listener: (chunk: Uint8Array) => void): unknown
  resume(): unknown
}

/** The part of Node's response that is needed. */
export interface NodeResponse {
  statusCode: number
  setHeader(name: string, value: string): unknown
  end(body?: string): unknown
}

const ADVICE =
  'Mount the webhook receiver before express.json() and its like, or keep the bytes: express.json({ verify: (req, res, bytes) => { req.rawBody = bytes } }).'

function isRaw(value: unknown): value is string | Uint8Array {
  return typeof value === 'string' || value instanceof Uint8Array
}

function readStream(request: NodeRequest, maxBodyBytes: number): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const chunks: Uint8Array[] = []
    let length = 0
    const onData = (chunk: Uint8Array) => {
      length += chunk.length
      chunks.push(chunk)
      if (length <= maxBodyBytes) return
      // Let what still comes run dry: a destroyed request could not be answered.
      request.off('data', onData)
      request.resume()
      reject(bodyTooLarge(maxBodyBytes))
    }
    request.on('data', onData)
    request.on('end', () => resolve(joinChunks(chunks, length)))
    request.on('error', reject)
    request.on('close', () =>
      reject(
        new WebhookVerificationError(
          'invalid_body',
          'The connection was closed before the body was complete.',
        ),
      ),
    )
  })
}

/**
 * The bytes of a request: those that somebody kept, or read here.
 *
 * @throws WebhookVerificationError (`body_too_large`), ReceiverError (`body_consumed`)
 */
export async function readNodeBody(request: NodeRequest, maxBodyBytes: number): Promise<Uint8Array | string> {
  if (isRaw(request.rawBody)) return request.rawBody
  if (isRaw(request.body)) return request.body
  if (request.readableDidRead || request.destroyed) throw bodyConsumed(ADVICE)
  if (Number(request.headers['content-length']) > maxBodyBytes) {
    request.resume()
    throw bodyTooLarge(maxBodyBytes)
  }
  return readStream(request, maxBodyBytes)
}

/** Sends an answer. */
export function writeNodeResponse(
  request: NodeRequest,
  response: NodeResponse,
  answer: ReceiverResponse,
): void {
  response.statusCode = answer.status
  for (const [name, value] of Object.entries(answer.headers)) response.setHeader(name, value)
  // What is left of a long body is not waited for, so that the connection cannot carry another request.
  if (answer.status === 413 && request.httpVersionMajor === 1) response.setHeader('connection', 'close')
  response.end(answer.body)
}
