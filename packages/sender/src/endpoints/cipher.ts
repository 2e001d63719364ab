import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto'
import { pastedMistake } from '@x/signature'
import { WebhookSenderError, wrongEncryptionKey } from '../errors.ts'

/** Encrypts secrets at rest. Each is bound to its owner: moved to another row, it cannot be decrypted. */
export interface SecretCipher {
  /** Identifies the key without revealing it. */
  readonly keyId: string
  /** The ids of all keys that it decrypts with. */
  readonly keyIds: readonly string[]
  encrypt(secret: string, owner: string): string
  /** @throws WebhookSenderError `wrong_encryption_key` */
  decrypt(encrypted: string, owner: string): string
}

const ALGORITHM = 'aes-256-gcm'
const NONCE_BYTES = 12
const TAG_BYTES = 16

/**
 * AES-256-GCM under one key; the result is `nonce || tag || ciphertext` in base64.
 *
 * @param previous - keys that secrets may still be encrypted with.
 */
export function createSecretCipher(key: Buffer, previous: readonly Buffer[] = []): SecretCipher {
  const keys = [key, ...previous]

  return {
    keyId: keyIdOf(key),
    keyIds: keys.map(keyIdOf),
    encrypt(secret, owner) {
      const nonce = randomBytes(NONCE_BYTES)
      const cipher = createCipheriv(ALGORITHM, key, nonce, { authTagLength: TAG_BYTES })
      cipher.setAAD(Buffer.from(owner))
      const text = Buffer.concat([cipher.update(secret, 'utf8'), cipher.final()])
      return Buffer.concat([nonce, cipher.getAuthTag(), text]).toString('base64')
    },
    decrypt(encrypted, owner) {
      const bytes = Buffer.from(encrypted, 'base64')
      let cause: unknown
      for (const one of keys) {
        try {
          return decryptWith(one, bytes, owner)
        } catch (error) {
          cause ??= error
        }
      }
      throw wrongEncryptionKey(owner, { cause })
    },
  }
}

function decryptWith(key: Buffer, bytes: Buffer, owner: string): string {
  const nonce = bytes.subarray(0, NONCE_BYTES)
  const decipher = createDecipheriv(ALGORITHM, key, nonce, { authTagLength: TAG_BYTES })
  decipher.setAAD(Buffer.from(owner))
  decipher.setAuthTag(bytes.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES))
  const text = bytes.subarray(NONCE_BYTES + TAG_BYTES)
  return decipher.update(text, undefined, 'utf8') + decipher.final('utf8')
}

function keyIdOf(key: Buffer): string {
  return createHash('sha256').update('x-events webhook secrets').update(key).digest('hex').slice(0, 16)
}

const KEY_BYTES = 32
const HEX = /^[0-9a-f]{64}$/i
const BASE64 = /^[A-Za-z0-9+/_-]{43}=?$/

/**
 * Reads the key that secrets are encrypted with. An error never shows it.
 *
 * @throws WebhookSenderError `invalid_option`
 */
export function readEncryptionKey(key: Uint8Array | string, field = 'encryptionKey'): Buffer {
  if (typeof key === 'string') {
    if (HEX.test(key)) return Buffer.from(key, 'hex')
    if (BASE64.test(key)) return Buffer.from(key, 'base64')
    const looks = /^wh(?:sec|pk|sk)_/.test(key) ? 'is the secret of an endpoint.' : pastedMistake(key)
    throw invalidKey(field, `a text of ${key.length} characters${looks ? `, which ${looks}` : '.'}`)
  }
  if (key instanceof Uint8Array) {
    if (key.length === KEY_BYTES) return Buffer.from(key)
    throw invalidKey(field, `${key.length} bytes.`)
  }
  const missing = (key ?? undefined) === undefined
  throw invalidKey(field, missing ? `${key}. Is an environment variable missing?` : `${typeof key}.`)
}

function invalidKey(field: string, got: string): WebhookSenderError {
  return new WebhookSenderError(
    'invalid_option',
    `createWebhookSender: options.${field} must be 32 bytes, as such, as 64 hex digits or as base64; got ${got} ` +
      'Make one with: openssl rand -base64 32',
    { field },
  )
}
