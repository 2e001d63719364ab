import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto'
import { wrongEncryptionKey } from '../errors.ts'

/** Locks secrets away. Each is bound to its owner: moved to another row, it does not open. */
export interface SecretBox {
  /** Names the key without telling it, so that a later key can be told from this one. */
  readonly keyId: string
  /** Of every key that it opens with. */
  readonly keyIds: readonly string[]
  seal(secret: string, owner: string): string
  /** @throws WebhookSenderError `wrong_encryption_key` */
  open(sealed: string, owner: string): string
}

const ALGORITHM = 'aes-256-gcm'
const NONCE_BYTES = 12
const TAG_BYTES = 16

/**
 * AES-256-GCM under one key; the sealed text is `nonce || tag || ciphertext` in base64.
 *
 * @param previous - keys that secrets may still be sealed with.
 */
export function createSecretBox(key: Buffer, previous: readonly Buffer[] = []): SecretBox {
  const keys = [key, ...previous]

  return {
    keyId: keyIdOf(key),
    keyIds: keys.map(keyIdOf),
    seal(secret, owner) {
      const nonce = randomBytes(NONCE_BYTES)
      const cipher = createCipheriv(ALGORITHM, key, nonce, { authTagLength: TAG_BYTES })
      cipher.setAAD(Buffer.from(owner))
      const text = Buffer.concat([cipher.update(secret, 'utf8'), cipher.final()])
      return Buffer.concat([nonce, cipher.getAuthTag(), text]).toString('base64')
    },
    open(sealed, owner) {
      const bytes = Buffer.from(sealed, 'base64')
      let cause: unknown
      for (const one of keys) {
        try {
          return openWith(one, bytes, owner)
        } catch (error) {
          cause ??= error
        }
      }
      throw wrongEncryptionKey(owner, { cause })
    },
  }
}

function openWith(key: Buffer, bytes: Buffer, owner: string): string {
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
