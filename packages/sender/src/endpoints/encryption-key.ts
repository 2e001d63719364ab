import { pastedMistake } from '@x/signature'
import { WebhookSenderError } from '../errors.ts'

const KEY_BYTES = 32
const HEX = /^[0-9a-f]{64}$/i
const BASE64 = /^[A-Za-z0-9+/_-]{43}=?$/

/**
 * Reads the key that secrets are encrypted with. It is never shown, also not when it is wrong.
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
