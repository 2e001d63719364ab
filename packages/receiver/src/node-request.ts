import type { ReceiverResponse } from './problem.ts'
import { bodyConsumed, bodyTooLarge, incompleteBody, joinChunks } from './read-body.ts'
import type { ReceiverInput } from './receiver-input.ts'

/** The part of Node's request that is needed; Express, Connect and plain `node:http` have it. */
export interface NodeRequest {
  readonly method?: string | undefined
  readonly url?: string | undefined
  /** The whole path, where a router (Express's) has taken its part off `url`. */
  readonly originalUrl?: string | undefined
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
  readonly headersSent?: boolean | undefined
  readonly writableFinished?: boolean | undefined
  readonly destroyed?: boolean | undefined
  once(eventName: 'close', listener: () => void): unknown
  setHeader(name: string, value: string): unknown
  end(body: string): unknown
}

/** Where the bytes of a request are. */
export interface NodeBodyOptions {
  /** How to keep others from reading the body, in the framework at hand. */
  readonly advice: string
  /** The bytes, where the framework keeps them in an object of its own. */
  readonly kept?: unknown
}

function isRaw(value: unknown): value is string | Uint8Array {
  return typeof value === 'string' || value instanceof Uint8Array
}

function readStream(request: NodeRequest, advice: string, maxBodyBytes: number): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const chunks: Uint8Array[] = []
    let length = 0
    const onData = (chunk: Uint8Array | string) => {
      // Decoded by setEncoding: the bytes that were signed are gone.
      if (typeof chunk === 'string') {
        request.off('data', onData)
        request.resume()
        reject(bodyConsumed(advice))
        return
      }
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
    request.on('error', (error) => reject(incompleteBody(error)))
    request.on('close', () => reject(incompleteBody()))
    // A listener does not resume what was paused.
    request.resume()
  })
}

async function readNodeBody(
  request: NodeRequest,
  { advice, kept }: NodeBodyOptions,
  maxBodyBytes: number,
): Promise<Uint8Array | string> {
  if (kept instanceof Uint8Array) return kept
  if (isRaw(request.rawBody)) return request.rawBody
  if (isRaw(request.body)) return request.body
  if (request.readableDidRead || request.destroyed) throw bodyConsumed(advice)
  if (Number(request.headers['content-length']) > maxBodyBytes) {
    request.resume()
    throw bodyTooLarge(maxBodyBytes)
  }
  return readStream(request, advice, maxBodyBytes)
}

function closeSignal(response: NodeResponse): AbortSignal {
  if (response.destroyed) return AbortSignal.abort()
  const controller = new AbortController()
  response.once('close', () => {
    if (!response.writableFinished) controller.abort()
  })
  return controller.signal
}

/** Makes a request of Node an input of the one path. */
export function inputOfNode(
  request: NodeRequest,
  response: NodeResponse,
  options: NodeBodyOptions,
): ReceiverInput {
  let signal: AbortSignal | undefined
  return {
    method: request.method,
    headers: request.headers,
    url: request.originalUrl ?? request.url,
    // Few handlers ask for it.
    get signal() {
      signal ??= closeSignal(response)
      return signal
    },
    body: (maxBodyBytes) => readNodeBody(request, options, maxBodyBytes),
  }
}

/** The headers of an answer, and of the connection that carries it. */
export function nodeHeaders(
  request: NodeRequest,
  answer: ReceiverResponse,
): Readonly<Record<string, string>> {
  // What is left of a long body is not waited for, so that the connection cannot carry another request.
  if (answer.status !== 413 || request.httpVersionMajor !== 1) return answer.headers
  return { ...answer.headers, connection: 'close' }
}

/** Sends an answer, unless somebody else (a timeout, say) has answered. */
export function writeNodeResponse(
  request: NodeRequest,
  response: NodeResponse,
  answer: ReceiverResponse,
): void {
  if (response.headersSent) return
  response.statusCode = answer.status
  for (const [name, value] of Object.entries(nodeHeaders(request, answer))) response.setHeader(name, value)
  response.end(answer.body)
}
