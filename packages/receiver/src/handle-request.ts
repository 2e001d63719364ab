import { EventsError } from '@x/events-core'
import type { ReceiverResponse } from './problem.ts'
import { readRequestBody } from './read-body.ts'
import type { ReceiverInput } from './receiver-input.ts'

/** Makes a fetch request an input of the one path. */
export function inputOf(request: Request): ReceiverInput {
  if (typeof Object(Object(request).headers).get !== 'function') return notARequest
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

const notARequest: ReceiverInput = {
  method: 'POST',
  headers: {},
  body() {
    throw new EventsError(
      'invalid_argument',
      'receiver.handle: give it a Request of fetch; for requests of Node.js there is @x/receiver/node',
    )
  },
}

/** Makes the outcome a fetch response. */
export function responseOf({ status, headers, body }: ReceiverResponse): Response {
  return new Response(body === '' ? null : body, { status, headers: { ...headers } })
}
