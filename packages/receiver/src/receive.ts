import { takeRawBody, type VerifiedMessage } from '@x/signature'
import { answerChallenge, challengeOf } from './answer-challenge.ts'
import type { WebhookEvent } from './event-patterns.ts'
import type { Handlers } from './handlers.ts'
import { type MessageVerifier, requestOf } from './message-verifier.ts'
import type { ReceiverSettings } from './options.ts'
import type { ParsePayload } from './parse-payload.ts'
import { accepted, problem, problemOf, type ReceiverResponse } from './problem.ts'
import { bodyTooLarge } from './read-body.ts'
import type { ReceiverInput } from './receiver-input.ts'
import { requestProblem } from './request-problem.ts'
import { openContext } from './webhook-context.ts'

/** What is known about a message that could not be received. */
export interface ReceiverErrorContext {
  /** The status of the answer. */
  readonly status: number
  /** The event, when the message got as far as that. */
  readonly event?: WebhookEvent
  /** The `webhook-id`, once it is proved to be the sender's. */
  readonly id?: string
}

interface Verified {
  readonly message: VerifiedMessage
  readonly body: Uint8Array | string
  readonly input: ReceiverInput
}

/** What {@link createReceive} needs. */
export interface ReceiveParts {
  readonly settings: ReceiverSettings
  readonly verifier: MessageVerifier
  readonly parsePayload: ParsePayload
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
  const { settings, verifier, parsePayload, handlers, report } = parts
  const { maxBodyBytes, replayStore, validateData, handlerTimeoutMs, clock } = settings

  function failure(error: unknown, about: Omit<ReceiverErrorContext, 'status'> = {}): ReceiverResponse {
    const response = problemOf(error)
    report(error, { status: response.status, ...about })
    return response
  }

  async function callHandlers(event: WebhookEvent, verified: Verified): Promise<void> {
    const { context, close } = openContext({ ...verified, clock, handlerTimeoutMs })
    try {
      await handlers.call(event, context)
    } finally {
      close()
    }
  }

  async function handle(verified: Verified, token: string): Promise<ReceiverResponse> {
    const { id } = verified.message
    let event: WebhookEvent | undefined
    let response = accepted(204)
    try {
      event = parsePayload({ id, body: verified.body, headers: verified.input.headers })
      const challenge = settings.answerChallenges ? challengeOf(event) : undefined
      if (challenge === undefined) {
        event = await validateData(event)
        await callHandlers(event, verified)
      } else {
        response = await answerChallenge(challenge, verified.message, await secretsFor(verified.input))
      }
    } catch (error) {
      try {
        await replayStore?.release(id, token)
      } catch (releaseError) {
        report(releaseError, { status: 500, id })
      }
      return failure(error, event ? { event, id } : { id })
    }
    try {
      await replayStore?.complete(id, token)
    } catch (error) {
      // The event was handled. To ask for it again because that cannot be noted would not help.
      report(error, { status: 204, event, id })
    }
    return response
  }

  async function secretsFor({ headers, url }: ReceiverInput): Promise<readonly string[]> {
    const { secrets } = settings
    const current = typeof secrets === 'function' ? await secrets(requestOf(headers, url)) : secrets
    return typeof current === 'string' ? [current] : current
  }

  async function receive(input: ReceiverInput): Promise<ReceiverResponse> {
    const refused = requestProblem(input)
    if (refused) return refused
    const body = takeRawBody(typeof input.body === 'function' ? await input.body(maxBodyBytes) : input.body)
    checkBodySize(body, maxBodyBytes)
    const message = await verifier.verify(body, input.headers, input.url)
    const token = replayStore ? crypto.randomUUID() : ''
    const claim = (await replayStore?.begin(message.id, token)) ?? 'new'
    if (claim === 'done') return accepted(200)
    if (claim === 'in_progress')
      return problem(409, 'in_progress', 'This message is being handled. Send it again later.')
    return handle({ message, body, input }, token)
  }

  return async (input) => {
    try {
      return await receive(input)
    } catch (error) {
      return failure(error)
    }
  }
}
