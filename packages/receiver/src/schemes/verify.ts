import { type Assertion, EventsError, type FieldNames } from '@x/events-core'
import { createVerifier, pastedMistake, type VerifiedMessage, WebhookVerificationError } from '@x/signature'
import { assertFields, assertFunction, createArgumentAssertion } from '../assert.ts'
import { secretsUnavailable } from '../message-verifier.ts'
import type { SecretSource } from '../secret-source.ts'
import {
  bytesOfParts,
  createHmac,
  type DigestEncoding,
  digestOf,
  type HashName,
  isEqual,
  isSameText,
} from './digest.ts'
import type { SchemeProof, SchemeRequest } from './scheme.ts'

/** Proves who sent a request. */
export type VerifyRequest = (request: SchemeRequest) => Promise<SchemeProof>

/** Options of {@link hmac}. */
export interface HmacOptions {
  /** What the sender signs with, as its pages show it; several while they are being rotated. */
  readonly secret: SecretSource
  /** The header that the signature is in. */
  readonly header: string
  /**
   * @defaultValue 'SHA-256'
   */
  readonly hash?: HashName | undefined
  /**
   * How the signature is written.
   *
   * @defaultValue 'hex'
   */
  readonly encoding?: DigestEncoding | undefined
  /**
   * What stands before the signature in its header: `sha256=`.
   *
   * @defaultValue nothing
   */
  readonly prefix?: string | undefined
  /**
   * What is signed, in parts.
   *
   * @defaultValue the body
   */
  content?(request: SchemeRequest): readonly (string | Uint8Array)[]
  /**
   * The time that is signed, in milliseconds since 1970: one too far from the present is refused. NaN where it cannot be
   * read.
   *
   * @defaultValue the sender signs no time
   */
  timestamp?(request: SchemeRequest): number
  /** Takes the signatures out of a header that holds more than one thing. */
  signatures?(header: string): readonly string[]
}

const HMAC_NAMES: FieldNames<HmacOptions> = {
  secret: true,
  header: true,
  hash: true,
  encoding: true,
  prefix: true,
  content: true,
  timestamp: true,
  signatures: true,
}
const assertHmac: Assertion = createArgumentAssertion('hmac')

const HEADER_NAME = /^[!#$%&'*+.^_`|~\w-]+$/

/** Asserts that a header can have a name. */
export function assertHeaderName(assert: Assertion, name: unknown): void {
  assert(typeof name === 'string' && HEADER_NAME.test(name), 'header', 'the name of a header', name)
}

/** One HMAC is made for each secret, however many signatures a request claims; more than these are none of a sender. */
const MAX_SIGNATURES = 16

/**
 * Verifies an HMAC of the body, or of parts of the request. Native, through WebCrypto; the comparison tells nothing by
 * its time.
 *
 * @throws EventsError (`invalid_argument`) when the secret, or another option, cannot be used.
 *
 * @example
 * ```ts
 * import { hmac } from '@x/receiver/schemes'
 *
 * const verify = hmac({
 *   secret: process.env['ACME_SECRET']!,
 *   header: 'x-acme-signature',
 *   content: ({ headers, body }) => [headers.get('x-acme-time') ?? '', '.', body],
 *   timestamp: ({ headers }) => Number(headers.get('x-acme-time')) * 1_000,
 * })
 * ```
 */
export function hmac(options: HmacOptions): VerifyRequest {
  assertFields(assertHmac, options, HMAC_NAMES)
  const { header, hash = 'SHA-256', encoding = 'hex', prefix = '' } = options
  assertHeaderName(assertHmac, header)
  assertHmac.oneOf('hash', hash, ['SHA-1', 'SHA-256', 'SHA-512'])
  assertHmac.oneOf('encoding', encoding, ['hex', 'base64'])
  assertHmac(typeof prefix === 'string', 'prefix', 'a text', prefix)
  for (const name of ['content', 'timestamp', 'signatures'] as const) {
    assertFunction(assertHmac, name, options[name])
  }
  const content = options.content ?? (({ body }) => [body])
  const signaturesOf = options.signatures ?? ((value) => [value])
  const secretsOf = secretList(options.secret)
  const digest = createHmac(hash)

  return async (request) => {
    const value = requiredHeader(request, header)
    const claimed = signaturesOf(value)
      .slice(0, MAX_SIGNATURES)
      .map((text) =>
        text.startsWith(prefix) ? digestOf(text.slice(prefix.length), hash, encoding) : undefined,
      )
      .filter((bytes) => bytes !== undefined)
    if (claimed.length === 0) {
      throw new WebhookVerificationError('invalid_signature', `The header ${header} holds no signature.`)
    }
    const bytes = bytesOfParts(content(request))
    for (const [keyIndex, secret] of (await secretsOf(request)).entries()) {
      const expected = await digest(secret, bytes)
      if (!claimed.some((one) => isEqual(one, expected))) continue
      // Last, since some senders sign a time within the body: nobody has it parsed who cannot sign it.
      return { keyIndex, timestamp: options.timestamp && checkTime(request, options.timestamp(request)) }
    }
    throw noMatch()
  }
}

/** Options of {@link sharedSecret}. */
export interface SharedSecretOptions {
  /** The secret, or several while it is being rotated. */
  readonly secret: SecretSource
  /** Where the sender puts it; undefined where it is missing. */
  find(request: SchemeRequest): string | null | undefined
}

const SHARED_NAMES: FieldNames<SharedSecretOptions> = { secret: true, find: true }
const assertShared: Assertion = createArgumentAssertion('sharedSecret')

/**
 * Verifies a sender that signs nothing and sends the secret itself: in a header, in the URL, as a password. It proves
 * no body: whoever has seen one request can send any other.
 *
 * @throws EventsError (`invalid_argument`) when the secret, or another option, cannot be used.
 *
 * @example
 * ```ts
 * import { sharedSecret } from '@x/receiver/schemes'
 *
 * const verify = sharedSecret({ secret: process.env['CODE']!, find: ({ url }) => url.searchParams.get('code') })
 * ```
 */
export function sharedSecret(options: SharedSecretOptions): VerifyRequest {
  assertFields(assertShared, options, SHARED_NAMES)
  const { secret, find } = options
  assertShared(typeof find === 'function', 'find', 'a function', find)
  const secretsOf = secretList(secret)
  return async (request) => {
    const given = find(request)
    if (!given) throw new WebhookVerificationError('missing_header', 'The shared secret is missing.')
    for (const [keyIndex, expected] of (await secretsOf(request)).entries()) {
      if (await isSameText(given, expected)) return { keyIndex }
    }
    throw new WebhookVerificationError('no_matching_signature', 'The shared secret is another one.')
  }
}

/** Verifies Standard Webhooks, whose headers may be named `webhook-` or `svix-`. */
export function standardSignature(
  secret: SecretSource,
): (request: SchemeRequest) => Promise<SchemeProof & VerifiedMessage> {
  const secretsOf = secretList(secret)
  if (typeof secret !== 'function') createVerifier({ secrets: secret })
  return async (request) => {
    const { now, toleranceSeconds } = request
    const secrets = await secretsOf(request)
    if (secrets.length === 0) throw noMatch()
    const clock = { now: () => now }
    return createVerifier({ secrets, toleranceSeconds, clock }).verify(request.body, request.headers)
  }
}

/** The value of a header that has to be there. */
export function requiredHeader({ headers }: SchemeRequest, name: string): string {
  const value = headers.get(name)
  if (value) return value
  throw new WebhookVerificationError('missing_header', `The header ${name} is missing.`)
}

/** What a request is refused with that nobody signed who may. */
export function noMatch(): WebhookVerificationError {
  return new WebhookVerificationError(
    'no_matching_signature',
    'No signature fits: the body was changed on its way (parsed, decoded, reformatted), the secret is another one, or the URL is not the one that was signed.',
  )
}

/**
 * Checks that a time that was signed is near the present.
 *
 * @returns it in seconds.
 */
function checkTime({ now, toleranceSeconds }: SchemeRequest, signedMs: number): number {
  if (!Number.isFinite(signedMs)) {
    throw new WebhookVerificationError('invalid_timestamp', 'The time of the signature cannot be read.')
  }
  const ageSeconds = Math.floor((now - signedMs) / 1_000)
  if (Math.abs(ageSeconds) > toleranceSeconds) {
    throw new WebhookVerificationError(
      ageSeconds > 0 ? 'timestamp_too_old' : 'timestamp_too_new',
      `The webhook was signed ${Math.abs(ageSeconds)} s ${ageSeconds > 0 ? 'ago' : 'in the future'}; at most ${toleranceSeconds} s are accepted. Compare the clocks.`,
    )
  }
  return Math.floor(signedMs / 1_000)
}

/**
 * Checks the secrets of a sender, and gives those of a request.
 *
 * @throws EventsError (`invalid_argument`); never with the secret in it.
 */
export function secretList(source: SecretSource): (request: SchemeRequest) => Promise<readonly string[]> {
  if (typeof source !== 'function') {
    const list = checkedSecrets(source)
    if (list.length === 0) throw unusable('At least one is needed; got none.')
    return async () => list
  }
  return async ({ url, headers }) => {
    try {
      return checkedSecrets(await source({ url: url.href, headers }))
    } catch (error) {
      throw secretsUnavailable(error)
    }
  }
}

function checkedSecrets(given: string | readonly string[]): readonly string[] {
  const list = typeof given === 'string' ? [given] : given
  if (!Array.isArray(list))
    throw unusable(`It must be a string; got ${given === undefined ? 'undefined' : typeof given}.`)
  for (const secret of list) {
    if (typeof secret !== 'string') throw unusable(`It must be a string; got ${typeof secret}.`)
    // With an empty key, anyone could sign.
    if (/^\s*(?:undefined|null|\[object \w+\])?\s*$/.test(secret))
      throw unusable(`It ${pastedMistake(secret)}`)
    if (secret !== secret.trim()) throw unusable('It has white space or a line break at an end. Remove it.')
  }
  return list
}

function unusable(why: string): EventsError<'invalid_argument'> {
  return new EventsError('invalid_argument', `The secret of a webhook scheme cannot be used. ${why}`)
}
