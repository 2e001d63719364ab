import type { Clock } from '@x/events-core'
import type { VerifiedMessage } from '@x/signature'
import type { WebhookContext } from './event-patterns.ts'
import { fetchHeadersOf } from './fetch-headers.ts'
import type { ReceiverInput } from './receiver-input.ts'

/** What a context is made of. */
export interface ContextParts {
  readonly message: VerifiedMessage
  readonly body: Uint8Array | string
  readonly input: Pick<ReceiverInput, 'headers' | 'signal'>
  readonly clock: Clock
  readonly handlerTimeoutMs: number
}

/** A context, and how to let go of its timer. */
export interface OpenContext {
  readonly context: WebhookContext
  close(): void
}

/** Creates what surrounds a call of the handlers. What few of them ask for is made when one does. */
export function openContext({ message, body, input, clock, handlerTimeoutMs }: ContextParts): OpenContext {
  const deadline = clock.now() + handlerTimeoutMs
  let headers: Headers | undefined
  let rawBody: Uint8Array | undefined
  let signal: AbortSignal | undefined
  let cancelTimer = () => {}

  function createSignal(): AbortSignal {
    const controller = new AbortController()
    const abort = () => {
      const why = `The handlers have taken more than ${handlerTimeoutMs} ms.`
      controller.abort(new DOMException(why, 'TimeoutError'))
    }
    cancelTimer = clock.schedule(abort, Math.max(0, deadline - clock.now()))
    return input.signal ? AbortSignal.any([input.signal, controller.signal]) : controller.signal
  }

  const context: WebhookContext = {
    id: message.id,
    timestamp: new Date(message.timestamp * 1000),
    get headers() {
      headers ??= fetchHeadersOf(input.headers)
      return headers
    },
    get rawBody() {
      rawBody ??= typeof body === 'string' ? new TextEncoder().encode(body) : body
      return rawBody
    },
    get signal() {
      signal ??= createSignal()
      return signal
    },
  }
  return { context, close: () => cancelTimer() }
}
