import { createPrivateKey, X509Certificate } from 'node:crypto'
import { createSecureContext } from 'node:tls'
import { shown, WebhookSenderError } from '../errors.ts'
import type { ClientCertificate } from '../network/tls-context.ts'
import type { SecretBox } from './secret-box.ts'

/** A certificate, and its key, that requests to an endpoint show: mutual TLS. */
export interface ClientCertificateInput {
  /** PEM; the certificate itself first, then those that it was issued by, if the consumer needs them. */
  readonly cert: string
  /** PEM. */
  readonly key: string
  /** @defaultValue none: the key is not encrypted */
  readonly passphrase?: string | undefined
}

/** What is shown of a certificate. The key never is. */
export interface ClientCertificateInfo {
  readonly subject: string
  /** SHA-256 of the certificate, as `openssl x509 -fingerprint -sha256` shows it. */
  readonly fingerprint: string
  readonly expiresOn: Date
}

/** A certificate as it is stored: sealed, and what is shown of it. */
export interface StoredCertificate {
  readonly sealed: string
  readonly keyId: string
  readonly subject: string
  readonly fingerprint: string
  readonly expiresOn: number
}

const MAX_PEM_LENGTH = 32_768

/**
 * What an input means for an endpoint: a certificate to store, none (null), or that all stays as it is.
 *
 * @param url - where it is shown; without TLS it never is.
 * @throws WebhookSenderError `invalid_certificate`
 */
export function certificateToStore(
  input: ClientCertificateInput | null | undefined,
  url: string,
  seal: (input: ClientCertificateInput) => StoredCertificate,
): StoredCertificate | null | undefined {
  if (input === undefined || input === null) return input
  if (!url.startsWith('https:')) throw invalid(undefined, 'needs a url that begins with https:')
  return seal(input)
}

/**
 * Reads a certificate with its key, and locks both away under the endpoint's id.
 *
 * @throws WebhookSenderError `invalid_certificate`, which shows neither.
 */
export function sealCertificate(
  input: ClientCertificateInput,
  box: SecretBox,
  endpointId: string,
  now: number,
): StoredCertificate {
  const { cert, key, passphrase } = readInput(input)
  const certificate = read('cert', 'a certificate in PEM', () => new X509Certificate(cert))
  const privateKey = read(
    'key',
    `a private key in PEM${passphrase === undefined ? '' : ', and the passphrase must fit it'}`,
    () => createPrivateKey({ key, ...(passphrase === undefined ? {} : { passphrase }) }),
  )
  if (!certificate.checkPrivateKey(privateKey)) throw invalid('key', 'must be that of the certificate')
  const expiresOn = certificate.validToDate.getTime()
  if (expiresOn <= now) {
    throw invalid('cert', `must not have expired; it has, on ${certificate.validToDate.toISOString()}`)
  }
  // What TLS itself makes of it: also of those that it was issued by, and of keys too weak to use.
  read('cert', 'what TLS can use', () => createSecureContext({ cert, key, passphrase }))
  return {
    sealed: box.seal(JSON.stringify({ cert, key, passphrase }), endpointId),
    keyId: box.keyId,
    subject: certificate.subject.replaceAll('\n', ', ').slice(0, 500),
    fingerprint: certificate.fingerprint256,
    expiresOn,
  }
}

/** @throws WebhookSenderError `wrong_encryption_key` */
export function openCertificate(
  { sealed, fingerprint }: StoredCertificate,
  box: SecretBox,
  endpointId: string,
): ClientCertificate {
  return { ...(JSON.parse(box.open(sealed, endpointId)) as ClientCertificateInput), fingerprint }
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
  if (typeof input !== 'object' || input === null) {
    throw invalid(undefined, `must be an object { cert, key }; got ${shown(typeof input)}`)
  }
  const { cert, key, passphrase } = input as Record<string, unknown>
  const isPem = (text: unknown) => typeof text === 'string' && text !== '' && text.length <= MAX_PEM_LENGTH
  if (!isPem(cert)) throw invalid('cert', `must be a text of at most ${MAX_PEM_LENGTH} characters`)
  if (!isPem(key)) throw invalid('key', `must be a text of at most ${MAX_PEM_LENGTH} characters`)
  if (passphrase !== undefined && typeof passphrase !== 'string')
    throw invalid('passphrase', 'must be a text')
  return { cert: cert as string, key: key as string, passphrase: passphrase as string | undefined }
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
