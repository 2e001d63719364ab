import { type Assertion, EventsError, steadyClock } from '@x/events-core'
import { type RawBody, takeRawBody, type WebhookHeaders } from '@x/signature'
import { createArgumentAssertion } from './assert.ts'
import { type CatchUpOptions, type CatchUpSource, type CaughtUp, createCatchUp } from './catch-up.ts'
import { ReceiverError } from './errors.ts'
import type { EventHandler, EventOf, PatternOf } from './event-map.ts'
import type { WebhookEvent, WebhookHandler } from './event-patterns.ts'
import { inputOf, responseOf } from './handle-request.ts'
import { createHandlers } from './handlers.ts'
import { isPromise } from './is-promise.ts'
import { createMessageVerifier, createPublicKeyVerifier } from './message-verifier.ts'
import {
  type PublicKeyReceiverOptions,
  type ReceiverOptions,
  type ReceiverSettings,
  resolveReceiverOptions,
  type SchemeReceiverOptions,
} from './options.ts'
import { createParsePayload } from './parse-payload.ts'
import type { ReceiverResponse } from './problem.ts'
import type { Protocol } from './protocol.ts'
import { checkBodySize, createReceive, type ReceiverErrorContext } from './receive.ts'
import type { ReceiverInput } from './receiver-input.ts'
import type { SecretSource } from './secret-source.ts'
import { createSequenceTracker, type SequenceNotice, type SequenceState } from './sequence-tracker.ts'
import { standardProtocol } from './standard-protocol.ts'

/** Hears of everything that was answered with an error: refused messages, failed handlers, faults. */
export type ReceiverErrorListener = (error: unknown, context: ReceiverErrorContext) => void

/** Hears of what the numbers of messages show. */
export type SequenceListener = (notice: SequenceNotice) => void

/** What secrets that are looked up may depend on, beside the headers. */
export interface VerifyContext {
  /** Where the request was sent. */
  readonly url?: string | undefined
}

/** Verifies webhooks and hands their events to handlers; see {@link createReceiver}. */
export interface Receiver<TEvents extends object = object, TTrx = never> {
  /**
   * Verifies a message and reads it, for code that answers the request itself. It calls no handler
   * and does not ask the replay store.
   *
   * @param rawBody - as it arrived: bytes, or the text before any parser saw it.
   * @param about - what secrets that are looked up may depend on.
   * @throws WebhookVerificationError when the message is refused; {@link ReceiverError} when the
   * secrets cannot be had.
   */
  verify(rawBody: RawBody, headers: WebhookHeaders, about?: VerifyContext): Promise<EventOf<TEvents, '*'>>
  /**
   * As {@link Receiver.verify}, without waiting: on Node, with secrets and schemas that answer without waiting.
   *
   * @throws also {@link ReceiverError} (`sync_unavailable`) elsewhere.
   */
  verifySync(rawBody: RawBody, headers: WebhookHeaders, about?: VerifyContext): EventOf<TEvents, '*'>
  /**
   * Calls a handler for every event of a type: `File.Download`, `File.*`, `*.Delete`, `*`. An event
   * that no handler wants is acknowledged.
   *
   * @returns a function that ends it.
   * @throws EventsError (`invalid_argument`) when the pattern is none.
   */
  on<const TPattern extends PatternOf<TEvents>>(
    pattern: TPattern,
    handler: EventHandler<TEvents, TPattern, TTrx>,
  ): () => void
  /**
   * Calls a listener with each error. Without one, only the sender sees that a handler failed.
   *
   * @returns a function that ends it.
   */
  onError(listener: ReceiverErrorListener): () => void
  /**
   * Calls a listener with what the numbers of messages show: a gap, a fork, a repeat, a reordering, a loss. Several processes may
   * each tell the same.
   *
   * @returns a function that ends it.
   * @throws EventsError (`invalid_argument`) when the receiver has no `sequence`.
   *
   * @example
   * ```ts
   * import type { Receiver } from '@x/receiver'
   *
   * function heal(receiver: Receiver, key: string) {
   *   receiver.onGap(async (notice) => {
   *     if (notice.kind !== 'gap') return console.warn(notice)
   *     await receiver.catchUp({ url: 'https://example.com/events', endpoint: notice.endpoint, key })
   *   })
   * }
   * ```
   */
  onGap(listener: SequenceListener): () => void
  /**
   * Fetches what is missing from the sender's events API, from the place on, and has it verified and handled as any other
   * message. A call while another runs for the same endpoint waits for its end, and then fetches what is still missing;
   * further ones share that, with the options of the first that has waited.
   *
   * @throws ReceiverError (`catch_up_failed`) when the API refuses, or a message was not handled; what was handled
   * before stays so. EventsError (`invalid_argument`) when an option cannot be used, or the receiver has no `sequence`.
   */
  catchUp(options: CatchUpOptions): Promise<CaughtUp>
  /** How this process stands with the endpoints that it has heard of; empty without a `sequence`. */
  sequences(): readonly SequenceState[]
  /** Receives a fetch request: Workers, Deno, Bun, Hono, Next.js. Never rejects. */
  handle(request: Request): Promise<Response>
  /** Receives a message in parts and says what to answer: what adapters are made of. Never rejects. */
  receive(input: ReceiverInput): Promise<ReceiverResponse>
}

/** How long a message that another has overtaken is waited for before it is fetched. */
const LONGEST_CATCH_UP_PAUSE_MS = 300_000
const SETTLE_MS = 1_000

function needsWaiting(outcome: PromiseLike<unknown>): ReceiverError {
  outcome.then(undefined, () => {}) // nobody will wait for it
  return new ReceiverError(
    'sync_unavailable',
    'verifySync: the secrets or a schema answer in a promise, or this runtime verifies asynchronously; use await receiver.verify(...).',
  )
}

const assertArgument: Assertion = createArgumentAssertion('receiver.verify')

/** The host's own request will do, so that other members are no slips. */
function urlOf(about: VerifyContext | undefined): string | undefined {
  if (about === undefined) return undefined
  assertArgument(typeof about === 'object' && about !== null, 'about', 'an object with a url', about)
  const { url } = about
  assertArgument(url === undefined || typeof url === 'string', 'about.url', 'a text', url)
  return url
}

function protocolOf(settings: ReceiverSettings): Protocol {
  const { scheme, publicKeys } = settings
  if (scheme) return scheme.createProtocol(settings)
  // Without a scheme it is left out by callers without types alone; the verifier says so.
  const parts = { ...settings, secrets: settings.secrets as SecretSource }
  const verifier = publicKeys ? createPublicKeyVerifier(publicKeys, settings) : createMessageVerifier(parts)
  const parsePayload = createParsePayload(settings.trustUnsignedCloudEventHeaders)
  return standardProtocol({ settings, secrets: parts.secrets, verifier, parsePayload })
}

/**
 * Creates the receiving end of webhooks: verifies each message and calls the handlers of its event.
 *
 * It answers 2xx when the event was handled (or nobody wanted it, or it was handled before), 401 when
 * it is not from the sender, 400, 413 or 415 when it cannot be read, and 500 when a handler failed, so
 * that the sender tries again.
 *
 * @typeParam TEvents - a map from event types to their data; from `schemas` where they are given.
 * @typeParam TTrx - the transaction of the `inbox`, and so found by itself unless `TEvents` is named.
 * @throws EventsError (`invalid_argument`) or WebhookKeyError when an option cannot be used.
 *
 * @example
 * ```ts
 * import { createReceiver } from '@x/receiver'
 *
 * const receiver = createReceiver({ secrets: process.env['WEBHOOK_SECRET']! })
 * receiver.on('File.Download', async (event) => {
 *   await fetch(`https://audit.example/${event.data.entityId}`, { method: 'POST' })
 * })
 *
 * export const fetchHandler = (request: Request) => receiver.handle(request)
 * ```
 */
export function createReceiver<TEvents extends object = object, TTrx = never>(
  options: ReceiverOptions<TEvents, TTrx> | PublicKeyReceiverOptions<TEvents, TTrx>,
): Receiver<TEvents, TTrx>
export function createReceiver<TEvents extends object = Record<string, unknown>, TTrx = never>(
  options: SchemeReceiverOptions<TEvents, TTrx>,
): Receiver<TEvents, TTrx>
export function createReceiver<TEvents extends object, TTrx>(
  options:
    | ReceiverOptions<TEvents, TTrx>
    | PublicKeyReceiverOptions<TEvents, TTrx>
    | SchemeReceiverOptions<TEvents, TTrx>,
): Receiver<TEvents, TTrx> {
  const settings = resolveReceiverOptions(options)
  const handlers = createHandlers()
  const listeners = new Set<{ readonly listener: ReceiverErrorListener }>()

  function report(error: unknown, context: ReceiverErrorContext): void {
    for (const { listener } of listeners) {
      // What a listener throws, now or in a promise, changes nothing about the answer.
      const call = async () => listener(error, context)
      call().catch(() => {})
    }
  }

  function sized(rawBody: RawBody): Uint8Array | string {
    const body = takeRawBody(rawBody)
    checkBodySize(body, settings.maxBodyBytes)
    return body
  }

  // By its schema, or by the word of whoever gave the map.
  const known = (event: WebhookEvent) => event as EventOf<TEvents, '*'>

  const protocol = protocolOf(settings)
  const { sequence, toleranceSeconds } = settings
  // To wait until a clock that was set back has caught up would be too long.
  const clock = steadyClock(settings.clock)
  const gapListeners = new Set<{ readonly listener: SequenceListener }>()
  const tracker = sequence && createSequenceTracker({ ...sequence, tell, met: retryCatchUp })
  const receive = createReceive({ settings, protocol, handlers, tracker, report })
  const catchUp = tracker && createCatchUp({ tracker, clock, toleranceSeconds, receive })
  const planned = new Set<string>()
  /** Of endpoints whose missing messages could not be fetched: how often, and when to try again, unless that has begun. */
  const failures = new Map<string, { readonly count: number; readonly retryOn?: number }>()

  function tell(notice: SequenceNotice): void {
    for (const { listener } of gapListeners) {
      const call = async () => listener(notice)
      call().catch((error) => report(error, { status: protocol.acknowledgement.status }))
    }
    if (notice.kind === 'gap') planCatchUp(notice.endpoint)
  }

  /** What the host's function gives wrong, or throws, is told: the message that has shown the gap is not to blame. */
  function sourceOf(endpoint: string): CatchUpSource | undefined {
    try {
      return sequence?.sourceOf?.(endpoint)
    } catch (error) {
      report(error, { status: protocol.acknowledgement.status })
      return undefined
    }
  }

  /** What is only late comes by itself; where the order is kept, it is waited for. */
  function planCatchUp(endpoint: string): void {
    if (!catchUp || !sequence?.sourceOf || planned.has(endpoint) || (pauseLeftMs(endpoint) ?? 0) > 0) return
    const source = sourceOf(endpoint)
    if (!source) {
      pauseCatchUp(endpoint)
      return
    }
    planned.add(endpoint)
    const failure = failures.get(endpoint)
    if (failure) failures.set(endpoint, { count: failure.count })
    const begin = async () => {
      planned.delete(endpoint)
      try {
        await catchUp(source)
        failures.delete(endpoint)
      } catch (error) {
        report(error, { status: protocol.acknowledgement.status })
        pauseCatchUp(endpoint)
      }
    }
    clock.schedule(() => void begin(), sequence.isOrdered ? 0 : SETTLE_MS)
  }

  /** The host may have a source later, and the sender's events API may answer. */
  function pauseCatchUp(endpoint: string): void {
    const count = (failures.get(endpoint)?.count ?? 0) + 1
    const pauseMs = Math.min(LONGEST_CATCH_UP_PAUSE_MS, SETTLE_MS * 2 ** count)
    failures.set(endpoint, { count, retryOn: clock.now() + pauseMs })
  }

  /** Undefined where nothing has failed, or it is tried again already. */
  function pauseLeftMs(endpoint: string): number | undefined {
    const retryOn = failures.get(endpoint)?.retryOn
    return retryOn === undefined ? undefined : retryOn - clock.now()
  }

  /** What could not be fetched is tried again once a message comes: a timer would keep a process from ending. */
  function retryCatchUp(endpoint: string): void {
    // One at a time: what it fetches comes along here, too.
    const leftMs = pauseLeftMs(endpoint)
    if (leftMs !== undefined && leftMs <= 0) planCatchUp(endpoint)
  }

  function needSequence(method: string): never {
    throw new EventsError(
      'invalid_argument',
      `receiver.${method}: the receiver has no sequence; give createReceiver options.sequence`,
    )
  }

  return {
    async verify(rawBody, headers, about) {
      const read = protocol.readOne(sized(rawBody), headers, urlOf(about))
      // To await what is there already would cost a turn of the event loop's queue.
      const event = settings.validateData(isPromise(read) ? await read : read)
      return known(isPromise(event) ? await event : event)
    },
    verifySync(rawBody, headers, about) {
      const read = protocol.readOne(sized(rawBody), headers, urlOf(about))
      if (isPromise(read)) throw needsWaiting(read)
      const event = settings.validateData(read)
      if (isPromise(event)) throw needsWaiting(event)
      return known(event)
    },
    on(pattern, handler) {
      // The pattern decides which events the handler is called with, and so that its type holds.
      return handlers.add(pattern, handler as WebhookHandler)
    },
    onError(listener) {
      if (typeof listener !== 'function') {
        throw new EventsError(
          'invalid_argument',
          `receiver.onError: the listener must be a function; got ${typeof listener}`,
        )
      }
      const entry = { listener }
      listeners.add(entry)
      return () => {
        listeners.delete(entry)
      }
    },
    onGap(listener) {
      if (!tracker) needSequence('onGap')
      if (typeof listener !== 'function') {
        throw new EventsError(
          'invalid_argument',
          `receiver.onGap: the listener must be a function; got ${typeof listener}`,
        )
      }
      const entry = { listener }
      gapListeners.add(entry)
      return () => {
        gapListeners.delete(entry)
      }
    },
    async catchUp(catchUpOptions) {
      return catchUp ? catchUp(catchUpOptions) : needSequence('catchUp')
    },
    sequences: () => tracker?.states() ?? [],
    receive,
    async handle(request) {
      return responseOf(await receive(inputOf(request)))
    },
  }
}
