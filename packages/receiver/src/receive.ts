import { takeRawBody, type VerifiedMessage } from '@x/signature'
import type { WebhookEvent } from './event-patterns.ts'
import type { Handlers } from './handlers.ts'
import type { MessageVerifier } from './message-verifier.ts'
import type { ReceiverSettings } from './options.ts'
import { parsePayload } from './parse-payload.ts'
import { accepted, problem, problemOf, type ReceiverResponse } from './problem.ts'
import { bodyTooLarge } from './read-body.ts'
import type { ReceiverInput } from './receiver-input.ts'
import { requestProblem } from './request-problem.ts'

/** What is known about a message that could not be received. */
export interface ReceiverErrorContext {
  /** The status of the answer. */
  readonly status: number
  /** The event, when the message got as far as that. */
  readonly event?: WebhookEvent
}

/** What {@link createReceive} needs. */
export interface ReceiveParts {
  readonly settings: ReceiverSettings
  readonly verifier: MessageVerifier
  readonly handlers: Handlers
  report(error: unknown, context: ReceiverErrorContext): void
}

/** Refuses a body that is longer than the limit; counts a string's bytes only where it matters. */
export function checkBodySize(body: Uint8Array | string, maxBodyBytes: number): void {
  const tooLarge =
    typeof body !== 'string'
      ? body.length > maxBodyBytes
      : body.length > maxBodyBytes ||
        (body.length * 3 > maxBodyBytes && new TextEncoder().encode(body).length > maxBodyBytes)
  if (tooLarge) throw bodyTooLarge(maxBodyBytes)
}

/** Builds the one path that every message takes: size, signature, replay, parse, handlers. */
export function createReceive(parts: ReceiveParts): (input: ReceiverInput) => Promise<ReceiverResponse> {
  const { settings, verifier, handlers, report } = parts
  const { maxBodyBytes, replayStore } = settings

  function failure(error: unknown, event?: WebhookEvent): ReceiverResponse {
    const response = problemOf(error)
    report(error, event ? { status: response.status, event } : { status: response.status })
    return response
  }

  async function handle(message: VerifiedMessage, body: Uint8Array | string): Promise<ReceiverResponse> {
    let event: WebhookEvent | undefined
    try {
      event = parsePayload(message.id, body)
      await handlers.call(event, { signedAt: new Date(message.timestamp * 1000) })
    } catch (error) {
      try {
        await replayStore?.release(message.id)
      } catch (releaseError) {
        report(releaseError, { status: 500 })
      }
      return failure(error, event)
    }
    try {
      await replayStore?.complete(message.id)
    } catch (error) {
      // The event was handled. To ask for it again because that cannot be noted would not help.
      report(error, { status: 204, event })
    }
    return accepted(204)
  }

  async function receive(input: ReceiverInput): Promise<ReceiverResponse> {
    const refused = requestProblem(input)
    if (refused) return refused
    const body = takeRawBody(typeof input.body === 'function' ? await input.body(maxBodyBytes) : input.body)
    checkBodySize(body, maxBodyBytes)
    const message = await verifier.verify(body, input.headers)
    const claim = (await replayStore?.begin(message.id)) ?? 'new'
    if (claim === 'done') return accepted(200)
    if (claim === 'in_progress')
      return problem(409, 'in_progress', 'This message is being handled. Send it again later.')
    return handle(message, body)
  }

  return async (input) => {
    try {
      return await receive(input)
    } catch (error) {
      return failure(error)
    }
  }
}
