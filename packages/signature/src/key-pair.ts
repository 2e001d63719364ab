import { formatKey } from './keys.ts'

/** The two halves of an ed25519 key, as Standard Webhooks writes them. */
export interface WebhookKeyPair {
  /** `whsk_...`: signs; never leaves the sender. */
  readonly privateKey: string
  /** `whpk_...`: verifies; for everybody. */
  readonly publicKey: string
}

/** Writes both halves of a key. */
export function formatKeyPair(
  seed: Uint8Array<ArrayBuffer>,
  publicKey: Uint8Array<ArrayBuffer>,
): WebhookKeyPair {
  return {
    privateKey: formatKey({ kind: 'ed25519-private', seed, publicKey }),
    publicKey: formatKey({ kind: 'ed25519-public', publicKey }),
  }
}
