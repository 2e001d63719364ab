import { shown } from '@x/events-core'
import { digestOf, takeRawBody } from '@x/signature'
import { databaseMessage } from './database-errors.ts'
import { ReceiverError } from './errors.ts'
import type { WebhookContext, WebhookEvent } from './event-patterns.ts'
import type { Handlers } from './handlers.ts'
import type { Inbox } from './inbox.ts'
import type { ReceiverSettings } from './options.ts'
import { handshakeAnswer } from './origin-handshake.ts'
import { problem, problemOf, type ReceiverResponse } from './problem.ts'
import type { OpenedMessage, Protocol } from './protocol.ts'
import { bodyTooLarge } from './read-body.ts'
import type { ReceiverInput } from './receiver-input.ts'
import type { ReplayClaim } from './replay-store.ts'
import type { SequenceMark } from './sequence-store.ts'
import type { SequenceTracker } from './sequence-tracker.ts'
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

interface Verified extends OpenedMessage {
  readonly body: Uint8Array | string
  readonly input: ReceiverInput
  /** What is noted of its number, once it was handled. */
  readonly mark?: SequenceMark
}

/** What {@link createReceive} needs. */
export interface ReceiveParts {
  readonly settings: ReceiverSettings
  readonly protocol: Protocol
  readonly handlers: Handlers
  /** Undefined where numbers are not looked at. */
  readonly tracker: SequenceTracker | undefined
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

const CLAIMS: ReadonlySet<unknown> = new Set(['new', 'in_progress', 'done'] satisfies ReplayClaim[])

const unavailable = (message: string, cause?: unknown) =>
  new ReceiverError('store_unavailable', message, { cause })

/** What a store answers. */
async function asked<TAnswer>(what: string, ask: () => TAnswer | Promise<TAnswer>): Promise<TAnswer> {
  try {
    return await ask()
  } catch (error) {
    throw unavailable(`The ${what} failed: ${databaseMessage(error)}`, error)
  }
}

/** Builds the one path that every message takes: size, signature, replay, parse, handlers. */
export function createReceive(parts: ReceiveParts): (input: ReceiverInput) => Promise<ReceiverResponse> {
  const { settings, protocol, handlers, tracker, report } = parts
  const { maxBodyBytes, replayStore, inbox, validateData, handlerTimeoutMs, clock } = settings

  function failure(error: unknown, about: Omit<ReceiverErrorContext, 'status'> = {}): ReceiverResponse {
    const response = problemOf(error)
    report(error, { status: response.status, ...about })
    return response
  }

  async function callHandlers(event: WebhookEvent, verified: Verified): Promise<ReceiverResponse> {
    const { context, close } = openContext({ ...verified, clock, handlerTimeoutMs })
    try {
      // A number is noted also of what nobody wants.
      if (inbox && (verified.mark || handlers.wants(event.type))) {
        return await callInInbox(inbox, event, context, verified.mark)
      }
      await handlers.call(event, context)
      await note(verified, 'handled', event)
      return protocol.acknowledgement
    } finally {
      close()
    }
  }

  /** The answer goes out after the commit. */
  async function callInInbox(
    inbox: Inbox<unknown>,
    event: WebhookEvent,
    context: WebhookContext,
    mark: SequenceMark | undefined,
  ): Promise<ReceiverResponse> {
    const work = (trx: unknown) => handlers.callInTransaction(event, Object.assign(context, { trx }))
    const outcome = await inbox.receive(context.id, work, mark)
    await note({ message: { id: context.id }, mark }, outcome, event)
    if (outcome === 'duplicate') return protocol.repeated
    try {
      await inbox.maintain()
    } catch (error) {
      // The event was handled, whatever becomes of old marks.
      report(error, { status: protocol.acknowledgement.status, event, id: context.id })
    }
    return protocol.acknowledgement
  }

  /** The event was handled, whatever becomes of its number: an inbox has noted that before. */
  async function note(
    {
      message,
      mark,
    }: { readonly message: { readonly id: string }; readonly mark?: SequenceMark | undefined },
    outcome: 'handled' | 'duplicate',
    event?: WebhookEvent,
  ): Promise<void> {
    if (!tracker) return
    const { id } = message
    if (!mark) {
      tracker.unnumbered(id)
      return
    }
    try {
      await tracker.handled(mark, outcome)
    } catch (error) {
      report(error, { status: protocol.acknowledgement.status, ...(event ? { event } : {}), id })
    }
  }

  async function handle(verified: Verified, token: string): Promise<ReceiverResponse> {
    const { id } = verified.message
    let event: WebhookEvent | undefined
    let response: ReceiverResponse
    try {
      event = verified.read()
      const challenge = verified.challenge?.(event)
      if (challenge === undefined) {
        event = await validateData(event)
        response = await callHandlers(event, verified)
      } else {
        response = await challenge
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

  async function claimed(verified: Verified): Promise<ReceiverResponse> {
    const { id } = verified.message
    const token = replayStore ? crypto.randomUUID() : ''
    const claim = replayStore ? await asked('replay store', () => replayStore.begin(id, token)) : 'new'
    if (!CLAIMS.has(claim)) {
      throw unavailable(`The replay store answered ${shown(claim)}, and not 'new', 'in_progress' or 'done'`)
    }
    if (claim === 'done') {
      await note(verified, 'duplicate')
      return protocol.repeated
    }
    if (claim === 'in_progress')
      return problem(409, 'in_progress', 'This message is being handled. Send it again later.')
    return handle(verified, token)
  }

  /** Finds out whether it is the turn of a message. */
  async function admitted(verified: Verified): Promise<ReceiverResponse> {
    const { link, message, body } = verified
    if (!tracker || !link) return claimed(verified)
    const mark = { ...link, id: message.id, digest: await digestOf(body) }
    const admission = await asked('sequence store', () => tracker.admit(mark))
    if (admission === 'repeat') return protocol.repeated
    if (admission === 'due') return claimed({ ...verified, mark })
    return problem(409, 'out_of_sequence', 'Messages before this one were not received. Send it again later.')
  }

  function greet({ method, headers }: ReceiverInput): ReceiverResponse | undefined {
    return method === 'OPTIONS' && settings.handshake
      ? handshakeAnswer(headers, settings.handshake)
      : undefined
  }

  async function receive(input: ReceiverInput): Promise<ReceiverResponse> {
    const answered = greet(input) ?? (await protocol.admit(input))
    if (answered) return answered
    const body = takeRawBody(typeof input.body === 'function' ? await input.body(maxBodyBytes) : input.body)
    checkBodySize(body, maxBodyBytes)
    const opened = await protocol.open(body, input)
    if ('status' in opened) return opened
    let answer = protocol.acknowledgement
    for (const one of opened) {
      const next = await admitted({ ...one, body, input }).catch((error) =>
        failure(error, { id: one.message.id }),
      )
      // A failure keeps no other message of the request from its handlers. The sender repeats them all, and the replay
      // store, or the inbox, lets through those that failed.
      if (answer.status < 300) answer = next
    }
    return answer
  }

  return async (input) => {
    try {
      return await receive(input)
    } catch (error) {
      return failure(error)
    }
  }
}
