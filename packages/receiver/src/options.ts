import { type Clock, EventsError, shown, systemClock } from '@x/events-core'
import { isSource, sourceFor } from './catch-up.ts'
import type { EventSchemas } from './event-map.ts'
import type { Inbox } from './inbox.ts'
import { checkedHandshake, type HandshakeOptions } from './origin-handshake.ts'
import type { WebhookScheme } from './protocol.ts'
import type { PublicKeySource } from './public-keys.ts'
import type { ReplayStore } from './replay-store.ts'
import type { SecretSource } from './secret-source.ts'
import type { SequenceOptions, SequenceSettings } from './sequence-options.ts'
import { isStandardSchema, type StandardSchema } from './standard-schema.ts'
import { createValidateData, type ValidateData } from './validate-data.ts'

/** Options of `createReceiver`. */
export interface ReceiverOptions<TEvents extends object = object, TTrx = never> {
  /**
   * What the sender signs with: `whsec_...` (shared secret) or `whpk_...` (public key). Several while
   * they are being rotated. A function is called for every request, so that secrets may depend on it
   * (a tenant in its URL), come from a vault or change at run time; it should keep what it fetched.
   */
  readonly secrets: SecretSource
  /**
   * How far a message's timestamp may lie from the present, on both sides.
   *
   * @defaultValue 300
   */
  readonly toleranceSeconds?: number | undefined
  /**
   * The longest body that is read. Longer ones are refused before anything is hashed.
   *
   * @defaultValue 1_048_576 (1 MiB)
   */
  readonly maxBodyBytes?: number | undefined
  /**
   * Keeps handlers from running twice for one message. Used by `handle` and the adapters; `verify`
   * leaves it alone, since it does not know whether the caller's work will succeed.
   *
   * @defaultValue none: a message that is delivered twice is handled twice
   */
  readonly replayStore?: ReplayStore | undefined
  /**
   * Marks each message in one transaction with what its handlers write through `context.trx`: a message whose work is
   * committed is never handled again, and one whose work is not is sent again. `kyselyInbox` of `@x/receiver/kysely`,
   * or that of `/pg`, `/drizzle`, `/knex` or `/prisma`. It takes the place of a `replayStore`: one of the two.
   *
   * @defaultValue none
   */
  readonly inbox?: Inbox<TTrx> | undefined
  /**
   * Watches the numbers that messages of an endpoint with a sequence have: what is missing, repeated, reordered or
   * changed is told by `receiver.onGap`, and fetched by `receiver.catchUp`.
   *
   * @defaultValue none: numbers are not looked at
   */
  readonly sequence?: SequenceOptions | undefined
  /**
   * Schemas (zod, valibot, arktype, any Standard Schema) for the `data` of events, by type. They are
   * asked after the signature was verified; handlers get what they make of it. Data that does not fit
   * is answered with 400: the sender tries a few more times and then gives up, so that a schema that
   * was wrong can be put right in the meantime. A type without a schema is not checked.
   *
   * @defaultValue none
   */
  readonly schemas?: EventSchemas<TEvents> | undefined
  /**
   * Answer challenges, by which an x-events host finds out whether who is at an URL wants its webhooks and holds the
   * secret (`verifyOwnership`). `false`: they go to the handlers of `Webhook.Challenge`, as any other event.
   *
   * @defaultValue true
   */
  readonly answerChallenges?: boolean | undefined
  /**
   * Answer senders that ask by OPTIONS whether they may send here, as the abuse protection of CloudEvents has it. The
   * receiver has to get OPTIONS then: `app.all`, not `app.post`.
   *
   * @defaultValue none: OPTIONS is answered with 405
   */
  readonly handshake?: HandshakeOptions | undefined
  /**
   * Read CloudEvents in binary mode, whose type and time are the headers `ce-type` and `ce-time`.
   *
   * No signature covers those headers. Whoever can change a request on its way, or send a captured one again, then
   * decides the type of an event: which handlers are called and which schema is asked. So can anything between sender
   * and receiver that sets headers. Where the sender can send structured mode, let it, and leave this alone.
   *
   * `false`: an event is what its signed body says, and `ce-` headers are not looked at.
   *
   * @defaultValue false
   */
  readonly trustUnsignedCloudEventHeaders?: boolean | undefined
  /**
   * When `context.signal` is aborted, counted from when the message was verified: about as long as the
   * sender waits for an answer.
   *
   * @defaultValue 30_000
   */
  readonly handlerTimeoutMs?: number | undefined
  /**
   * The time that timestamps are compared with.
   *
   * @defaultValue the machine's clock
   */
  readonly clock?: Clock | undefined
}

/** Options of `createReceiver` for a sender that publishes its public keys. */
export interface PublicKeyReceiverOptions<TEvents extends object = object, TTrx = never>
  extends Omit<ReceiverOptions<TEvents, TTrx>, 'secrets'> {
  /** Where the sender publishes its keys: `jwks(url)`. It can then replace them without anything to be done here. */
  readonly publicKeys: PublicKeySource
  readonly secrets?: undefined
}

/** Options of `createReceiver` for the webhooks of another sender; see `@x/receiver/schemes`. */
export interface SchemeReceiverOptions<TEvents extends object = Record<string, unknown>, TTrx = never>
  extends Omit<
    ReceiverOptions<TEvents, TTrx>,
    'secrets' | 'answerChallenges' | 'trustUnsignedCloudEventHeaders' | 'sequence'
  > {
  /** How the sender proves and names its webhooks, with its secret: `github({ secret })`. */
  readonly scheme: WebhookScheme
  readonly secrets?: undefined
}

/** {@link ReceiverOptions}, checked and complete. */
export interface ReceiverSettings {
  /** Of Standard Webhooks; undefined where there is a scheme. */
  readonly secrets: SecretSource | undefined
  readonly scheme: WebhookScheme | undefined
  readonly publicKeys: PublicKeySource | undefined
  readonly toleranceSeconds: number
  readonly maxBodyBytes: number
  readonly replayStore: ReplayStore | undefined
  readonly inbox: Inbox<unknown> | undefined
  readonly sequence: SequenceSettings | undefined
  readonly validateData: ValidateData
  readonly answerChallenges: boolean
  readonly handshake: HandshakeOptions | undefined
  readonly trustUnsignedCloudEventHeaders: boolean
  readonly handlerTimeoutMs: number
  readonly clock: Clock
}

const DEFAULTS = {
  toleranceSeconds: 300,
  maxBodyBytes: 1_048_576,
  handlerTimeoutMs: 30_000,
  answerChallenges: true,
  trustUnsignedCloudEventHeaders: false,
}

function invalid(path: string, must: string, got: unknown): EventsError {
  return new EventsError(
    'invalid_argument',
    `createReceiver: options.${path} must be ${must}; got ${shown(got)}`,
  )
}

/** What decides whether a message is believed: one of the three. */
type Trust = Pick<ReceiverSettings, 'secrets' | 'scheme' | 'publicKeys'>

function checkedTrust(options: object): Trust {
  const { secrets, scheme, publicKeys } = options as Partial<Trust>
  const given = Object.entries({ secrets, scheme, publicKeys }).filter(([, value]) => value !== undefined)
  const [one, other] = given.map(([name]) => name)
  if (one !== undefined && other !== undefined) {
    throw invalid(one, `left out beside ${other}: a receiver believes one kind of proof`, 'both')
  }
  if (scheme !== undefined && typeof Object(scheme).createProtocol !== 'function') {
    throw invalid('scheme', 'a scheme of @x/receiver/schemes, such as github({ secret })', typeof scheme)
  }
  if (publicKeys !== undefined && typeof Object(publicKeys).keys !== 'function') {
    throw invalid('publicKeys', 'a source of keys, such as jwks(url)', typeof publicKeys)
  }
  return { secrets: publicKeys ? () => publicKeys.keys() : secrets, scheme, publicKeys }
}

const isNumber = (value: unknown) => Number.isSafeInteger(value) && (value as number) >= 1

function checkedSequence(
  given: SequenceOptions | undefined,
  inbox: Inbox<unknown> | undefined,
  { scheme }: Trust,
): SequenceSettings | undefined {
  if (given === undefined) return undefined
  if (typeof given !== 'object' || given === null) throw invalid('sequence', 'an object', given)
  if (scheme) throw invalid('sequence', 'left out beside scheme: only x-events hosts number messages', 'both')
  const { store, order = 'any', start = 1, catchUp } = given
  if (order !== 'any' && order !== 'sequence') throw invalid('sequence.order', "'any' or 'sequence'", order)
  if (start !== 'first' && !isNumber(start))
    throw invalid('sequence.start', "'first' or a whole number, 1 or more", start)
  if (inbox && store)
    throw invalid('sequence.store', 'left out beside an inbox, which keeps the place', 'both')
  const used = inbox ? inbox.sequences : store
  if (typeof catchUp !== 'function' && catchUp !== undefined && !isSource(catchUp)) {
    throw invalid(
      'sequence.catchUp',
      'a function, or { url, key } with the address of an events API',
      catchUp,
    )
  }
  for (const method of ['place', 'savePlace', 'marks', 'add']) {
    if (typeof Object(used)[method] !== 'function') {
      throw invalid('sequence.store', 'a SequenceStore, such as memorySequenceStore()', typeof used)
    }
  }
  return {
    store: used as SequenceSettings['store'],
    hasInbox: inbox !== undefined,
    isOrdered: order === 'sequence',
    start,
    sourceOf: (endpoint) => {
      const source = typeof catchUp === 'function' ? catchUp(endpoint) : catchUp
      return source && sourceFor(source, endpoint)
    },
  }
}

function checkedSchemas(schemas: object): Record<string, StandardSchema> {
  if (typeof schemas !== 'object' || schemas === null) {
    throw invalid('schemas', 'an object of schemas by event type', schemas)
  }
  const checked: Record<string, StandardSchema> = {}
  for (const [type, schema] of Object.entries(schemas)) {
    if (schema === undefined) continue
    if (type.includes('*')) throw invalid('schemas', 'named after event types, not after patterns', type)
    if (!isStandardSchema(schema)) throw invalid(`schemas['${type}']`, 'a Standard Schema', typeof schema)
    checked[type] = schema
  }
  return checked
}

/**
 * Checks the options of a receiver and fills in what they leave out.
 *
 * @throws EventsError (`invalid_argument`), naming the option.
 */
export function resolveReceiverOptions(
  options:
    | ReceiverOptions<object, unknown>
    | PublicKeyReceiverOptions<object, unknown>
    | SchemeReceiverOptions<object, unknown>,
): ReceiverSettings {
  if (typeof options !== 'object' || options === null) {
    throw new EventsError(
      'invalid_argument',
      `createReceiver: options must be an object; got ${typeof options}`,
    )
  }
  const {
    sequence,
    answerChallenges = DEFAULTS.answerChallenges,
    trustUnsignedCloudEventHeaders = DEFAULTS.trustUnsignedCloudEventHeaders,
  }: Partial<ReceiverOptions> = options as object
  const {
    toleranceSeconds = DEFAULTS.toleranceSeconds,
    maxBodyBytes = DEFAULTS.maxBodyBytes,
    replayStore,
    handshake,
    inbox,
    schemas = {},
    handlerTimeoutMs = DEFAULTS.handlerTimeoutMs,
    clock = systemClock,
  } = options
  if (!Number.isFinite(toleranceSeconds) || toleranceSeconds < 0) {
    throw invalid('toleranceSeconds', 'a number of seconds, 0 or more', toleranceSeconds)
  }
  if (!Number.isSafeInteger(maxBodyBytes) || maxBodyBytes < 1) {
    throw invalid('maxBodyBytes', 'a whole number of bytes, 1 or more', maxBodyBytes)
  }
  // Beyond it, timers fire at once.
  const isTimer =
    Number.isSafeInteger(handlerTimeoutMs) && handlerTimeoutMs >= 1 && handlerTimeoutMs < 2 ** 31
  if (!isTimer) {
    const must = `a whole number of milliseconds from 1 to ${2 ** 31 - 1}`
    throw invalid('handlerTimeoutMs', must, handlerTimeoutMs)
  }
  for (const [name, value] of Object.entries({ answerChallenges, trustUnsignedCloudEventHeaders })) {
    if (typeof value !== 'boolean') throw invalid(name, 'true or false', value)
  }
  for (const method of ['begin', 'complete', 'release'] as const) {
    if (replayStore !== undefined && typeof Object(replayStore)[method] !== 'function') {
      throw invalid(
        'replayStore',
        `a ReplayStore, with a method ${method}`,
        typeof Object(replayStore)[method],
      )
    }
  }
  for (const method of ['receive', 'maintain'] as const) {
    if (inbox && typeof inbox[method] !== 'function') {
      throw invalid('inbox', 'what kyselyInbox(...) or its like has given', typeof inbox)
    }
  }
  for (const method of ['now', 'schedule'] as const) {
    if (typeof Object(clock)[method] !== 'function') {
      throw invalid('clock', `a Clock, with a method ${method}`, clock)
    }
  }
  if (inbox && replayStore) {
    throw new EventsError(
      'invalid_argument',
      'createReceiver: options.inbox and options.replayStore exclude each other. The inbox keeps handlers from running twice by itself: leave out replayStore.',
    )
  }
  const trust = checkedTrust(options)
  return Object.freeze({
    ...trust,
    toleranceSeconds,
    maxBodyBytes,
    replayStore,
    inbox,
    sequence: checkedSequence(sequence, inbox, trust),
    validateData: createValidateData(checkedSchemas(schemas)),
    answerChallenges,
    handshake: checkedHandshake(handshake),
    trustUnsignedCloudEventHeaders,
    handlerTimeoutMs,
    clock,
  })
}
