import { generateKeyPair, generateSecret, parseSecret, publicKeyOf } from '@x/signature'
import { WebhookSenderError } from '../errors.ts'
import type { SecretRow } from '../store/secrets.ts'
import type { SecretCipher } from './cipher.ts'
import type { SignatureKind } from './endpoint.ts'

/**
 * The key to sign with: the given one, or a new one.
 *
 * @throws WebhookSenderError `invalid_secret`, which never shows the key.
 */
export function secretToUse(given: string | undefined, signature: SignatureKind): string {
  if (given === undefined) {
    return signature === 'hmac' ? generateSecret() : generateKeyPair().privateKey
  }
  let kind: string
  try {
    kind = parseSecret(given).kind
  } catch (cause) {
    throw invalidSecret(cause instanceof Error ? cause.message : 'It cannot be read.', cause)
  }
  if (kind === 'ed25519-public') {
    throw invalidSecret('It is a public key (whpk_), with which consumers verify; it cannot sign.')
  }
  if (signature === 'hmac' && kind !== 'hmac') {
    throw invalidSecret(
      "It is a private key (whsk_). An endpoint with the signature 'hmac' needs a shared secret, whsec_...",
    )
  }
  if (signature === 'ed25519' && kind !== 'ed25519-private') {
    throw invalidSecret(
      "It is a shared secret (whsec_). An endpoint with the signature 'ed25519' needs a private key, whsk_...",
    )
  }
  return given
}

/** What a consumer verifies with: the secret itself, or the public half of a key pair. */
export function verificationKeyOf(secret: string, signature: SignatureKind): string {
  return signature === 'hmac' ? secret : publicKeyOf(secret)
}

/** Encrypts a secret, bound to the endpoint's id. */
export function encryptSecret(
  cipher: SecretCipher,
  secret: string,
  endpointId: string,
  now: number,
): SecretRow {
  return { sealed: cipher.encrypt(secret, endpointId), keyId: cipher.keyId, createdOn: now, expiresOn: null }
}

function invalidSecret(why: string, cause?: unknown): WebhookSenderError {
  return new WebhookSenderError('invalid_secret', `The endpoint's secret cannot be used. ${why}`, {
    field: 'secret',
    cause,
  })
}
