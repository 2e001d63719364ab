import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto'
import { createSecureContext } from 'node:tls'
import { type FieldNames, isPlainObject, shown } from '@x/events-core'
import { WebhookSenderError } from '../errors.ts'
import type { ClientCertificate } from '../http/tls.ts'
import type { SecretCipher } from './cipher.ts'
import { isQuicklyDecrypted } from './encrypted-key.ts'

/** A certificate, and its key, that requests to an endpoint show: mutual TLS. */
export interface ClientCertificateInput {
  /** PEM; the certificate itself first, then those that it was issued by, if the consumer needs them. */
  readonly cert: string
  /** PEM: RSA of at most 4096 bits, EC on a named curve, or EdDSA. */
  readonly key: string
  /**
   * What the key is encrypted with, by PBKDF2 in at most 20,000 iterations. It is used once, and not kept.
   * @defaultValue none: the key is not encrypted
   */
  readonly passphrase?: string | undefined
}

/** What is shown of a certificate. The key never is. */
export interface ClientCertificateInfo {
  readonly subject: string
  /** SHA-256 of the certificate, as `openssl x509 -fingerprint -sha256` shows it. */
  readonly fingerprint: string
  readonly expiresOn: Date
}

/** A certificate as it is stored: encrypted, with the parts that may be shown. */
export interface StoredCertificate {
  readonly sealed: string
  readonly keyId: string
  readonly subject: string
  readonly fingerprint: string
  readonly expiresOn: number
}

const INPUTS: FieldNames<ClientCertificateInput> = {
  cert: true,
  key: true,
  passphrase: true,
}
const MAX_PEM_LENGTH = 32_768
const MAX_PASSPHRASE_LENGTH = 1_000
/** Each handshake signs with it while everything else waits: 5 ms with so many bits, 300 with 16384. */
const MAX_RSA_BITS = 4_096

/**
 * What an input means for an endpoint: a certificate to store, none (null), or that all stays as it is.
 *
 * @param url - where it is shown; without TLS it never is.
 * @throws WebhookSenderError `invalid_certificate`
 */
export function certificateToStore(
  input: ClientCertificateInput | null | undefined,
  url: string | null,
  encrypt: (input: ClientCertificateInput) => StoredCertificate,
): StoredCertificate | null | undefined {
  if (input === undefined || input === null) return input
  if (!url?.startsWith('https:')) throw invalid(undefined, 'needs a url that begins with https:')
  return encrypt(input)
}

/**
 * Reads a certificate with its key, and locks both away under the endpoint's id.
 *
 * @throws WebhookSenderError `invalid_certificate`, which shows neither.
 */
export function encryptCertificate(
  input: ClientCertificateInput,
  cipher: SecretCipher,
  endpointId: string,
  now: number,
): StoredCertificate {
  const { cert, key, passphrase } = readInput(input)
  const certificate = read('cert', 'a certificate in PEM', () => new X509Certificate(cert))
  if (!isQuicklyDecrypted(key)) {
    throw invalid(
      'key',
      'must be encrypted with at most 20,000 iterations of PBKDF2, as by openssl pkcs8 -topk8',
    )
  }
  const privateKey = read(
    'key',
    `a private key in PEM${passphrase === undefined ? '' : ', and the passphrase must fit it'}`,
    () => createPrivateKey({ key, ...(passphrase === undefined ? {} : { passphrase }) }),
  )
  if (!isQuicklyUsed(privateKey))
    throw invalid('key', `must be RSA of at most ${MAX_RSA_BITS} bits, EC, or EdDSA`)
  if (!certificate.checkPrivateKey(privateKey)) throw invalid('key', 'must be that of the certificate')
  const expiresOn = certificate.validToDate.getTime()
  if (expiresOn <= now) {
    throw invalid('cert', `must not have expired; it has, on ${certificate.validToDate.toISOString()}`)
  }
  // What TLS itself makes of it: also of those that it was issued by, and of keys too weak to use.
  // Decrypted once, and not for each connection; our encryption protects it better than a passphrase that is stored beside it.
  const decrypted = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
  read('cert', 'what TLS can use', () => createSecureContext({ cert, key: decrypted }))
  return {
    sealed: cipher.encrypt(JSON.stringify({ cert, key: decrypted }), endpointId),
    keyId: cipher.keyId,
    subject: certificate.subject.replaceAll('\n', ', ').slice(0, 500),
    fingerprint: certificate.fingerprint256,
    expiresOn,
  }
}

/** @throws WebhookSenderError `wrong_encryption_key` */
export function decryptCertificate(
  { sealed, fingerprint }: StoredCertificate,
  cipher: SecretCipher,
  endpointId: string,
): ClientCertificate {
  const { cert, key } = JSON.parse(cipher.decrypt(sealed, endpointId)) as ClientCertificateInput
  return { cert, key, fingerprint }
}

/** What is shown of a certificate. */
export function certificateInfoOf({
  subject,
  fingerprint,
  expiresOn,
}: StoredCertificate): ClientCertificateInfo {
  return { subject, fingerprint, expiresOn: new Date(expiresOn) }
}

function readInput(input: unknown): ClientCertificateInput {
  if (!isPlainObject(input)) {
    throw invalid(undefined, `must be an object { cert, key }; got ${shown(typeof input)}`)
  }
  const unknown = Object.keys(input).find((name) => !Object.hasOwn(INPUTS, name))
  if (unknown !== undefined)
    throw invalid(unknown.slice(0, 100), `must be left out: there are ${Object.keys(INPUTS).join(', ')}`)
  const { cert, key, passphrase } = input
  const isPem = (text: unknown) => typeof text === 'string' && text !== '' && text.length <= MAX_PEM_LENGTH
  if (!isPem(cert)) throw invalid('cert', `must be a text of at most ${MAX_PEM_LENGTH} characters`)
  if (!isPem(key)) throw invalid('key', `must be a text of at most ${MAX_PEM_LENGTH} characters`)
  const isPassphrase = typeof passphrase === 'string' && passphrase.length <= MAX_PASSPHRASE_LENGTH
  if (passphrase !== undefined && !isPassphrase)
    throw invalid('passphrase', `must be a text of at most ${MAX_PASSPHRASE_LENGTH} characters`)
  return { cert: cert as string, key: key as string, passphrase: passphrase as string | undefined }
}

function isQuicklyUsed({ asymmetricKeyType, asymmetricKeyDetails }: KeyObject): boolean {
  if (asymmetricKeyType === 'rsa' || asymmetricKeyType === 'rsa-pss') {
    return (asymmetricKeyDetails?.modulusLength ?? Number.POSITIVE_INFINITY) <= MAX_RSA_BITS
  }
  // Parameters of one's own may be anything.
  if (asymmetricKeyType === 'ec') return asymmetricKeyDetails?.namedCurve !== undefined
  return asymmetricKeyType === 'ed25519' || asymmetricKeyType === 'ed448'
}

function read<T>(field: string, expected: string, parse: () => T): T {
  try {
    return parse()
  } catch {
    // What OpenSSL says stays here: it may quote.
    throw invalid(field, `must be ${expected}`)
  }
}

function invalid(field: string | undefined, rule: string): WebhookSenderError {
  const path = field === undefined ? 'clientCertificate' : `clientCertificate.${field}`
  return new WebhookSenderError('invalid_certificate', `The endpoint's ${path} ${rule}.`, { field: path })
}
