import type { ReceiverResponse } from './problem.ts'
import { readRequestBody } from './read-body.ts'
import type { ReceiverInput } from './receiver-input.ts'

/** Makes a fetch request an input of the one path. */
export function inputOf(request: Request): ReceiverInput {
  return {
    method: request.method,
    headers: request.headers,
    url: request.url,
    // Made on first use, in some runtimes.
    get signal() {
      return request.signal
    },
    body: (maxBodyBytes) => readRequestBody(request, maxBodyBytes),
  }
}

/** Makes the outcome a fetch response. */
export function responseOf({ status, headers, body }: ReceiverResponse): Response {
  return new Response(body === '' ? null : body, { status, headers: { ...headers } })
}
