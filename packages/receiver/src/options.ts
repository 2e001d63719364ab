import {
  type Assertion,
  type Clock,
  EventsError,
  type FieldNames,
  isPlainObject,
  systemClock,
} from '@x/events-core'
import { assertFields, createOptionAssertion } from './assert.ts'
import { assertSource, type CatchUpSource, sourceFor } from './catch-up.ts'
import type { EventSchemas } from './event-map.ts'
import type { Inbox } from './inbox.ts'
import { isPromise } from './is-promise.ts'
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

const assertOption: Assertion = createOptionAssertion('createReceiver')

/** All that there are, whatever proves a message. */
type AllOptions = ReceiverOptions<object, unknown> &
  Pick<PublicKeyReceiverOptions, 'publicKeys'> &
  Pick<SchemeReceiverOptions, 'scheme'>

const NAMES: FieldNames<AllOptions> = {
  secrets: true,
  publicKeys: true,
  scheme: true,
  toleranceSeconds: true,
  maxBodyBytes: true,
  replayStore: true,
  inbox: true,
  sequence: true,
  schemas: true,
  answerChallenges: true,
  handshake: true,
  trustUnsignedCloudEventHeaders: true,
  handlerTimeoutMs: true,
  clock: true,
}
const SEQUENCE_NAMES: FieldNames<SequenceOptions> = { store: true, order: true, start: true, catchUp: true }
/** What other senders do not have. */
const NOT_OF_SCHEMES = ['sequence', 'answerChallenges', 'trustUnsignedCloudEventHeaders'] as const

/** What decides whether a message is believed: one of the three. */
type Trust = Pick<ReceiverSettings, 'secrets' | 'scheme' | 'publicKeys'>

function checkedTrust(options: Partial<AllOptions>): Trust {
  const { secrets, scheme, publicKeys } = options
  const given = Object.entries({ secrets, scheme, publicKeys }).filter(([, value]) => value !== undefined)
  const [one, other] = given.map(([name]) => name)
  if (one !== undefined && other !== undefined) {
    assertOption(false, one, `left out beside ${other}: a receiver believes one kind of proof`, 'both')
  }
  for (const name of NOT_OF_SCHEMES) {
    const isAlone = scheme === undefined || options[name] === undefined
    assertOption(isAlone, name, 'left out beside scheme: only Standard Webhooks have it', 'both')
  }
  const isScheme = scheme === undefined || typeof Object(scheme).createProtocol === 'function'
  assertOption(isScheme, 'scheme', 'a scheme of @x/receiver/schemes, such as github({ secret })', scheme)
  const isSource = publicKeys === undefined || typeof Object(publicKeys).keys === 'function'
  assertOption(isSource, 'publicKeys', 'a source of keys, such as jwks(url)', publicKeys)
  return { secrets: publicKeys ? () => publicKeys.keys() : secrets, scheme, publicKeys }
}

const STORE_METHODS = ['place', 'savePlace', 'marks', 'add']

function checkedSequence(
  given: SequenceOptions | undefined,
  inbox: Inbox<unknown> | undefined,
): SequenceSettings | undefined {
  if (given === undefined) return undefined
  const { store, order = 'any', start = 1, catchUp } = assertOption.fields('sequence', given, SEQUENCE_NAMES)
  assertOption.oneOf('sequence.order', order, ['any', 'sequence'])
  const isStart = start === 'first' || (Number.isSafeInteger(start) && start >= 1)
  assertOption(isStart, 'sequence.start', "'first' or a whole number, 1 or more", start)
  const isOne = !inbox || store === undefined
  assertOption(isOne, 'sequence.store', 'left out beside an inbox, which keeps the place', 'both')
  const used = inbox ? inbox.sequences : store
  if (typeof catchUp !== 'function') assertCatchUp(catchUp)
  const isStore = STORE_METHODS.every((method) => typeof Object(used)[method] === 'function')
  assertOption(isStore, 'sequence.store', 'a SequenceStore, such as memorySequenceStore()', used)
  return {
    store: used as SequenceSettings['store'],
    hasInbox: inbox !== undefined,
    isOrdered: order === 'sequence',
    start,
    sourceOf:
      catchUp &&
      ((endpoint) => {
        const source = typeof catchUp === 'function' ? catchUp(endpoint) : catchUp
        // Not waited for, so that nobody else would hear of its failure.
        if (isPromise(source)) source.then(undefined, () => {})
        assertCatchUp(source)
        return source && sourceFor(source, endpoint)
      }),
  }
}

function assertCatchUp(source: CatchUpSource | undefined): void {
  if (source !== undefined) assertSource(assertOption, 'sequence.catchUp', source)
}

function checkedSchemas(schemas: object): Record<string, StandardSchema> {
  assertOption(isPlainObject(schemas), 'schemas', 'an object of schemas by event type', schemas)
  const checked: Record<string, StandardSchema> = {}
  for (const [type, schema] of Object.entries(schemas)) {
    if (schema === undefined) continue
    assertOption(!type.includes('*'), 'schemas', 'named after event types, not after patterns', type)
    assertOption(isStandardSchema(schema), `schemas['${type}']`, 'a Standard Schema', schema)
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
  const all = options as AllOptions
  assertFields(assertOption, all, NAMES)
  const {
    sequence,
    toleranceSeconds = DEFAULTS.toleranceSeconds,
    maxBodyBytes = DEFAULTS.maxBodyBytes,
    replayStore,
    handshake,
    inbox,
    schemas = {},
    handlerTimeoutMs = DEFAULTS.handlerTimeoutMs,
    clock = systemClock,
    answerChallenges = DEFAULTS.answerChallenges,
    trustUnsignedCloudEventHeaders = DEFAULTS.trustUnsignedCloudEventHeaders,
  } = all
  const isTolerance = Number.isFinite(toleranceSeconds) && toleranceSeconds >= 0
  assertOption(isTolerance, 'toleranceSeconds', 'a number of seconds, 0 or more', toleranceSeconds)
  assertOption.integer('maxBodyBytes', maxBodyBytes, 1, Number.MAX_SAFE_INTEGER)
  assertOption.integer('handlerTimeoutMs', handlerTimeoutMs, 1)
  assertOption.boolean('answerChallenges', answerChallenges)
  assertOption.boolean('trustUnsignedCloudEventHeaders', trustUnsignedCloudEventHeaders)
  if (replayStore !== undefined)
    assertOption.methods('replayStore', replayStore, ['begin', 'complete', 'release'])
  if (inbox !== undefined) {
    const isInbox = [Object(inbox).receive, Object(inbox).maintain].every(
      (method) => typeof method === 'function',
    )
    assertOption(isInbox, 'inbox', 'what kyselyInbox(...) or its like has given', inbox)
  }
  assertOption.methods('clock', clock, ['now', 'schedule'])
  if (inbox && replayStore) {
    throw new EventsError(
      'invalid_argument',
      'createReceiver: options.inbox and options.replayStore exclude each other. The inbox keeps handlers from running twice by itself: leave out replayStore.',
    )
  }
  const trust = checkedTrust(all)
  return Object.freeze({
    ...trust,
    toleranceSeconds,
    maxBodyBytes,
    replayStore,
    inbox,
    sequence: checkedSequence(sequence, inbox),
    validateData: createValidateData(checkedSchemas(schemas)),
    answerChallenges,
    handshake: checkedHandshake(assertOption, handshake),
    trustUnsignedCloudEventHeaders,
    handlerTimeoutMs,
    clock,
  })
}
