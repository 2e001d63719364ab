import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Logger } from '@x/events-core'

const FORBIDDEN_METHODS = ['CONNECT', 'TRACE', 'TRACK']

/** Handles a request of Node's HTTP server as one of the web; its signal is aborted when the consumer is gone. */
export async function answerNode(
  handle: (request: Request) => Promise<Response>,
  request: IncomingMessage,
  response: ServerResponse,
  logger: Logger,
): Promise<void> {
  const gone = new AbortController()
  response.on('close', () => gone.abort())
  try {
    const answer = await handle(webRequestOf(request, gone.signal))
    if (response.destroyed) return
    response.statusCode = answer.status
    response.setHeaders(answer.headers)
    const body = Buffer.from(await answer.arrayBuffer())
    if (request.method !== 'HEAD' && answer.status !== 204) response.setHeader('content-length', body.length)
    response.end(body)
  } catch (error) {
    logger.error({ err: error }, 'A response to a consumer could not be written')
    response.destroy()
  }
}

/** Only method, path and headers matter here: a body is not read. */
function webRequestOf(request: IncomingMessage, signal: AbortSignal): Request {
  const { method = 'GET', rawHeaders, url = '/' } = request
  // Express cuts off the path that it is mounted at.
  const { originalUrl = url } = request as { readonly originalUrl?: string }
  const [pathname = '/', ...search] = originalUrl.split('?')
  const target = new URL('http://localhost')
  target.pathname = pathname
  target.search = search.join('?')
  const headers = new Headers()
  for (let index = 0; index < rawHeaders.length; index += 2) {
    headers.append(rawHeaders[index] as string, rawHeaders[index + 1] as string)
  }
  return new Request(target, {
    method: FORBIDDEN_METHODS.includes(method.toUpperCase()) ? 'POST' : method,
    headers,
    signal,
  })
}
