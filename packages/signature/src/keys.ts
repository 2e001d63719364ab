import { decodeBase64, encodeBase64 } from './base64.ts'
import { WebhookKeyError } from './errors.ts'
import { isUsablePublicKey } from './public-key-check.ts'
import { pastedMistake, secretMistake } from './secret-mistakes.ts'

/** A shared secret (`whsec_`): signs and verifies `v1`, HMAC-SHA256. */
export interface HmacKey {
  readonly kind: 'hmac'
  /** 24 to 64 bytes. */
  readonly secret: Uint8Array<ArrayBuffer>
}

/** A private key (`whsk_`): signs `v1a`, ed25519. */
export interface Ed25519PrivateKey {
  readonly kind: 'ed25519-private'
  readonly seed: Uint8Array<ArrayBuffer>
  readonly publicKey: Uint8Array<ArrayBuffer>
}

/** A public key (`whpk_`): verifies `v1a`, ed25519. */
export interface Ed25519PublicKey {
  readonly kind: 'ed25519-public'
  readonly publicKey: Uint8Array<ArrayBuffer>
}

/** A key, bound to the one algorithm that it may be used for. */
export type WebhookKey = HmacKey | Ed25519PrivateKey | Ed25519PublicKey

/** A key that can sign. */
export type SigningKey = HmacKey | Ed25519PrivateKey

/** A key that can verify without being able to sign for others. */
export type VerifyingKey = HmacKey | Ed25519PublicKey

/** More than any key takes: what is longer is not decoded. */
const MAX_KEY_LENGTH = 200
const MIN_SECRET_BYTES = 24
const MAX_SECRET_BYTES = 64

const invalidKey = (message: string) => new WebhookKeyError('invalid_key', message)
const noSecret = (text: string) => invalidKey(`The secret ${secretMistake(text)}`)

function bytesOf(text: string, prefix: string): Uint8Array<ArrayBuffer> {
  if (text.length > MAX_KEY_LENGTH) {
    const message = `A key has at most ${MAX_KEY_LENGTH} characters; this one has ${text.length}.`
    throw new WebhookKeyError('invalid_key', message)
  }
  const bytes = decodeBase64(text.slice(prefix.length))
  // `whsec_null` is base64, too.
  if (bytes && (bytes.length > 3 || !pastedMistake(text))) return bytes
  throw noSecret(text)
}

function wrongLength(what: string, expected: string, got: number): WebhookKeyError {
  return invalidKey(`${what} must have ${expected} bytes; this one has ${got}. Is it whole?`)
}

function notText(value: unknown): WebhookKeyError {
  if ((value ?? undefined) === undefined) {
    return invalidKey(`There is no secret: it is ${value}. Is an environment variable missing?`)
  }
  const isPromise = typeof value === 'object' && value !== null && 'then' in value
  return invalidKey(
    isPromise
      ? 'The secret is a promise. Await it.'
      : `A secret must be a string, whsec_ and base64; got ${ArrayBuffer.isView(value) ? 'bytes' : typeof value}.`,
  )
}

/**
 * The secret of an HMAC key, checked.
 *
 * @throws {@link WebhookKeyError} when it is shorter than 24 or longer than 64 bytes: with an empty
 * key, anyone could sign.
 */
export function hmacKey(secret: Uint8Array): HmacKey {
  // Anything else may pass for bytes of no length, or of zeros alone.
  if (Object.prototype.toString.call(secret) !== '[object Uint8Array]') {
    throw invalidKey(`The bytes of a secret must be a Uint8Array; got ${typeof secret}.`)
  }
  if (secret.length < MIN_SECRET_BYTES || secret.length > MAX_SECRET_BYTES) {
    throw wrongLength('A secret', `${MIN_SECRET_BYTES} to ${MAX_SECRET_BYTES}`, secret.length)
  }
  return { kind: 'hmac', secret: Uint8Array.from(secret) }
}

function ed25519PublicKey(publicKey: Uint8Array<ArrayBuffer>): Ed25519PublicKey {
  if (publicKey.length !== 32) throw wrongLength('A public key', '32', publicKey.length)
  if (!isUsablePublicKey(publicKey)) {
    throw invalidKey('This public key is of small order or not canonical: signatures for it can be forged.')
  }
  return { kind: 'ed25519-public', publicKey }
}

function ed25519PrivateKey(bytes: Uint8Array<ArrayBuffer>): Ed25519PrivateKey {
  if (bytes.length !== 64) throw wrongLength('A private key', '64 (seed, then public key)', bytes.length)
  const { publicKey } = ed25519PublicKey(bytes.slice(32))
  return { kind: 'ed25519-private', seed: bytes.slice(0, 32), publicKey }
}

/**
 * Checks that a private key's second half is what its first half makes.
 *
 * @throws {@link WebhookKeyError} when it is not.
 */
export function checkHalves(key: Ed25519PrivateKey, derivedPublicKey: Uint8Array): void {
  if (derivedPublicKey.every((byte, index) => byte === key.publicKey[index])) return
  throw invalidKey(
    'The halves of this private key do not belong together: its last 32 bytes must be the public key of its first 32.',
  )
}

/**
 * Reads a key that can verify.
 *
 * @throws {@link WebhookKeyError} for any other: whoever verifies should not be able to sign.
 */
function parseVerifyingKey(text: string): VerifyingKey {
  if (typeof text !== 'string') throw notText(text)
  if (text.startsWith('whsec_')) return hmacKey(bytesOf(text, 'whsec_'))
  if (text.startsWith('whpk_')) return ed25519PublicKey(bytesOf(text, 'whpk_'))
  if (text.startsWith('whsk_')) {
    throw new WebhookKeyError(
      'wrong_key_kind',
      'A private key (whsk_) is for the sender alone; verify with whpk_.',
    )
  }
  throw noSecret(text)
}

/**
 * Reads a key as Standard Webhooks writes it: `whsec_` (shared secret), `whsk_` (private) or `whpk_`
 * (public). Its prefix decides what it may be used for; there is no default.
 *
 * @throws {@link WebhookKeyError} when it is not exactly such a key.
 *
 * @example
 * ```ts
 * import { generateSecret, parseSecret } from '@x/signature'
 *
 * parseSecret(generateSecret()).kind // 'hmac'
 * ```
 */
export function parseSecret(text: string): WebhookKey {
  const isPrivate = typeof text === 'string' && text.startsWith('whsk_')
  return isPrivate ? ed25519PrivateKey(bytesOf(text, 'whsk_')) : parseVerifyingKey(text)
}

/** Writes a key as {@link parseSecret} reads it. */
export function formatKey(key: WebhookKey): string {
  if (key.kind === 'hmac') return `whsec_${encodeBase64(key.secret)}`
  if (key.kind === 'ed25519-public') return `whpk_${encodeBase64(key.publicKey)}`
  return `whsk_${encodeBase64(Uint8Array.of(...key.seed, ...key.publicKey))}`
}

/**
 * Makes a shared secret out of random bytes.
 *
 * @param byteLength - 24 to 64.
 * @defaultValue 32 bytes
 * @throws {@link WebhookKeyError} for another length.
 *
 * @example
 * ```ts
 * import { generateSecret } from '@x/signature'
 *
 * const secret = generateSecret() // 'whsec_...'
 * ```
 */
export function generateSecret(byteLength = 32): string {
  const wanted = Number.isInteger(byteLength) && byteLength >= 0 && byteLength <= 1024 ? byteLength : 0
  return formatKey(hmacKey(crypto.getRandomValues(new Uint8Array(wanted))))
}

/**
 * The public key that belongs to a private one: what consumers are given.
 *
 * @throws {@link WebhookKeyError} when the argument is not a private key.
 *
 * @example
 * ```ts
 * import { publicKeyOf } from '@x/signature'
 *
 * const publicKey = (privateKey: `whsk_${string}`) => publicKeyOf(privateKey) // 'whpk_...'
 * ```
 */
export function publicKeyOf(privateKey: string): string {
  const key = parseSecret(privateKey)
  if (key.kind === 'ed25519-private') return formatKey({ kind: 'ed25519-public', publicKey: key.publicKey })
  throw new WebhookKeyError('wrong_key_kind', 'Only a private key (whsk_) has a public key.')
}

/** Reads each of one or more keys; of several, an error says which it is about. */
function parseEach<TKey>(secrets: string | readonly string[], parse: (text: string) => TKey): TKey[] {
  const list = typeof secrets === 'string' ? [secrets] : secrets
  if (!Array.isArray(list)) throw notText(list)
  if (list.length === 0) throw invalidKey('At least one secret is needed; got none.')
  return Array.from(list, (text, index) => {
    try {
      return parse(text)
    } catch (error) {
      if (list.length === 1 || !(error instanceof WebhookKeyError)) throw error
      throw new WebhookKeyError(error.code, `Secret ${index + 1} of ${list.length}: ${error.message}`)
    }
  })
}

/**
 * Reads the keys of a sender.
 *
 * @throws {@link WebhookKeyError} when there is none, or one that cannot sign.
 */
export function parseSigningKeys(secrets: string | readonly string[]): SigningKey[] {
  return parseEach(secrets, (text) => {
    const key = parseSecret(text)
    if (key.kind !== 'ed25519-public') return key
    throw new WebhookKeyError('wrong_key_kind', 'A public key (whpk_) cannot sign; give whsec_ or whsk_.')
  })
}

/**
 * Reads the keys of a receiver.
 *
 * @throws {@link WebhookKeyError} when there is none, or one that cannot verify.
 */
export function parseVerifyingKeys(secrets: string | readonly string[]): VerifyingKey[] {
  return parseEach(secrets, parseVerifyingKey)
}
