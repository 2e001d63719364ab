import { importSeed, publicBytesOf } from './ed25519-node.ts'
import { formatKeyPair, type WebhookKeyPair } from './key-pair.ts'

/**
 * Makes an ed25519 key out of random bytes.
 *
 * @example
 * ```ts
 * import { generateKeyPair } from '@x/signature'
 *
 * const { privateKey, publicKey } = await generateKeyPair() // 'whsk_...', 'whpk_...'
 * ```
 */
export function generateKeyPair(): WebhookKeyPair {
  const seed = crypto.getRandomValues(new Uint8Array(32))
  return formatKeyPair(seed, publicBytesOf(importSeed(seed)))
}
