import { type Assertion, type Clock, EventsError, type FieldNames } from '@x/events-core'
import {
  createSyncSigner,
  createSyncVerifier,
  formatKey,
  hmacKey,
  type RawBody,
  type SyncSigner,
  type SyncVerifier,
  takeRawBody,
  type WebhookHeaders,
} from '@x/signature'
import { assertClock, createArgumentAssertion, createOptionAssertion } from './assert.ts'
import { parseJson } from './parse-payload.ts'

/** Options of {@link Webhook}. */
export interface WebhookOptions {
  /** `raw`: the secret is the key itself, as bytes or as a string of one character for each. */
  readonly format?: 'raw' | undefined
  /**
   * How far a message's timestamp may lie from the present, on both sides.
   *
   * @defaultValue 300
   */
  readonly toleranceSeconds?: number | undefined
  /**
   * The time that timestamps are compared with.
   *
   * @defaultValue the machine's clock
   */
  readonly clock?: Clock | undefined
}

/** Options of {@link Webhook.verify}. */
export interface WebhookVerifyOptions {
  /**
   * `false`: verify only, and return undefined.
   *
   * @defaultValue true
   */
  readonly jsonParse?: boolean | undefined
}

const NAMES: FieldNames<WebhookOptions> = { format: true, toleranceSeconds: true, clock: true }
const VERIFY_NAMES: FieldNames<WebhookVerifyOptions> = { jsonParse: true }
const assertOption: Assertion = createOptionAssertion('Webhook')
const assertVerifyOption: Assertion = createOptionAssertion('Webhook.verify')
const assertArgument: Assertion = createArgumentAssertion('Webhook.sign')

function secretOf(secret: string | Uint8Array, format: 'raw' | undefined): string {
  if (format === 'raw') {
    const bytes = typeof secret === 'string' ? Uint8Array.from(secret, (c) => c.charCodeAt(0)) : secret
    return formatKey(hmacKey(bytes))
  }
  if (typeof secret !== 'string') {
    throw new EventsError('invalid_argument', `Webhook: the secret must be a string; got ${typeof secret}`)
  }
  // The prefix is optional there. What has one keeps it, so that no key of another kind becomes a secret; what is no
  // base64 keeps away from it, so that an error tells what was given.
  return /^[A-Za-z0-9+/]{5,}=*$/.test(secret) && secret !== 'undefined' ? `whsec_${secret}` : secret
}

/**
 * The class of the `standardwebhooks` and `svix` packages, to change to by changing the import. It
 * is stricter about secrets (24 to 64 bytes), headers and bodies, and takes bytes as well as text. It reads
 * both families of headers, `webhook-` and `svix-`, as {@link createReceiver} does.
 *
 * Native on Node; on other runtimes it computes in plain JavaScript, where {@link createReceiver} is faster.
 *
 * @throws WebhookKeyError when the secret cannot be used, EventsError (`invalid_argument`) when an option cannot.
 *
 * @example
 * ```ts
 * import { Webhook } from '@x/receiver'
 *
 * declare const payload: string
 * declare const headers: Record<string, string>
 *
 * const webhook = new Webhook(process.env['WEBHOOK_SECRET']!)
 * const event = webhook.verify(payload, headers)
 * ```
 */
export class Webhook {
  readonly #signer: SyncSigner
  readonly #verifier: SyncVerifier

  constructor(secret: string | Uint8Array, options: WebhookOptions = {}) {
    assertOption.fields('', options, NAMES)
    const { format, toleranceSeconds, clock } = options
    assertOption(format === undefined || format === 'raw', 'format', "left out, or 'raw'", format)
    assertClock(assertOption, clock)
    const secrets = secretOf(secret, format)
    this.#verifier = createSyncVerifier({ secrets, toleranceSeconds, clock })
    this.#signer = createSyncSigner(secrets)
  }

  /**
   * Verifies a message and parses it.
   *
   * @returns what the JSON says; undefined for an empty body.
   * @throws WebhookVerificationError when the message is refused.
   */
  verify(payload: RawBody, headers: WebhookHeaders, options: WebhookVerifyOptions = {}): unknown {
    const { jsonParse = true } = assertVerifyOption.fields('', options, VERIFY_NAMES)
    assertVerifyOption.boolean('jsonParse', jsonParse)
    const body = takeRawBody(payload)
    this.#verifier.verify(body, headers)
    return jsonParse && body.length > 0 ? parseJson(body) : undefined
  }

  /** The value of the `webhook-signature` header for a message. */
  sign(msgId: string, timestamp: Date, payload: RawBody): string {
    const isTime = typeof Object(timestamp).getTime === 'function'
    assertArgument(isTime, 'timestamp', 'a Date', timestamp)
    const body = takeRawBody(payload)
    return this.#signer.sign({ id: msgId, timestamp: Math.floor(timestamp.getTime() / 1000), body })
  }
}
