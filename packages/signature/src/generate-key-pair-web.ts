import { formatKeyPair, type WebhookKeyPair } from './key-pair.ts'
import { webPublicBytesOf } from './web-crypto.ts'

/** Makes an ed25519 key out of random bytes. */
export async function generateKeyPair(): Promise<WebhookKeyPair> {
  const seed = crypto.getRandomValues(new Uint8Array(32))
  return formatKeyPair(seed, await webPublicBytesOf(seed))
}
