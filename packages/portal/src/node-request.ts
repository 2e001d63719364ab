import type { IncomingMessage, ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { ReadableStream } from 'node:stream/web'
import { PortalProblem } from './problem.ts'

/** The part of Express's request that is needed; typed by structure, so that any version of it fits. */
export interface PortalNodeRequest extends IncomingMessage {
  /** The path that the portal is mounted at. */
  readonly baseUrl?: string
  readonly originalUrl?: string
  readonly protocol?: string
  /** Where it comes from, as far as proxies are trusted. */
  readonly ip?: string | undefined
  /** What a body parser left. */
  readonly body?: unknown
}

/** What a framework knows of a request that Node does not. */
export interface SeenRequest {
  readonly protocol?: string | undefined
  /** Path and query as they were asked for, before routing has cut them. */
  readonly path?: string | undefined
  /** What a body parser left. */
  readonly body?: unknown
}

// Methods that `Request` refuses to stand for, and no route has.
const FORBIDDEN_METHODS = ['CONNECT', 'TRACE', 'TRACK']

/**
 * The same request as the web knows it.
 *
 * @throws PortalProblem 400, 405
 */
export function webRequestOf(request: IncomingMessage, seen: SeenRequest = {}): Request {
  const { method = 'GET', headers } = request
  const { protocol = 'http', path = request.url ?? '/' } = seen
  const url = URL.parse(`${protocol}://${headers.host || 'localhost'}`)
  if (!url) throw new PortalProblem(400, 'invalid_host', 'The Host header is not the name of a host.')
  if (FORBIDDEN_METHODS.includes(method.toUpperCase())) {
    throw new PortalProblem(405, 'method_not_allowed', `No path knows ${method}.`, {
      headers: { allow: 'GET, POST, PATCH, DELETE' },
    })
  }
  // Not parsed as a whole: a path that begins with two slashes would be taken for a host.
  const [pathname = '/', ...search] = path.split('?')
  url.pathname = pathname
  url.search = search.join('?')
  const hasBody = method !== 'GET' && method !== 'HEAD'
  return new Request(url, {
    method,
    headers: webHeadersOf(request),
    ...(hasBody ? { body: bodyOf(request, seen.body), duplex: 'half' } : {}),
  } as RequestInit)
}

function webHeadersOf({ rawHeaders }: IncomingMessage): Headers {
  const headers = new Headers()
  for (let index = 0; index < rawHeaders.length; index += 2) {
    headers.append(rawHeaders[index] as string, rawHeaders[index + 1] as string)
  }
  return headers
}

/** A parser that came first has eaten the bytes, and left what they mean. */
function bodyOf(request: IncomingMessage, body: unknown): string | Uint8Array | ReadableStream | null {
  if (body instanceof Uint8Array || typeof body === 'string') return body
  if (request.readableEnded || request.readableDidRead) return body === undefined ? null : jsonOf(body)
  return Readable.toWeb(request)
}

function jsonOf(body: unknown): string {
  try {
    return JSON.stringify(body)
  } catch {
    throw new PortalProblem(400, 'invalid_json', 'The body is nested too deeply.')
  }
}

/** Sends an answer as it comes; when the other side goes away, its source is told. */
export async function sendWebResponse(answer: Response, response: ServerResponse): Promise<void> {
  response.statusCode = answer.status
  // All at once: of several cookies, each would replace the one before.
  response.setHeaders(answer.headers)
  if (!answer.body) {
    response.end()
    return
  }
  response.flushHeaders()
  try {
    await pipeline(Readable.fromWeb(answer.body as ReadableStream), response)
  } catch (error) {
    // Whoever closes the page ends its stream in the middle.
    if ((error as NodeJS.ErrnoException).code !== 'ERR_STREAM_PREMATURE_CLOSE') throw error
  }
}
