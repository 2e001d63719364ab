import { bytesOfBase64 } from './base64.ts'
import { type AsyncVerifier, asyncVerifier, type MatchContent } from './create-verifier.ts'
import type { Ed25519PublicKey, HmacKey } from './keys.ts'
import type { VerifierOptions } from './options.ts'
import { contentBytes } from './signed-content.ts'
import { timingSafeEqual } from './timing-safe-equal.ts'
import { webEd25519Verifier, webHmac } from './web-crypto.ts'

function hmacMethod(key: HmacKey): MatchContent<Promise<boolean>> {
  const hmac = webHmac(key.secret)
  return async (content, { v1 }) => {
    if (v1.length === 0) return false
    // One digest, however many signatures claim to be it; `subtle.verify` would make one for each.
    const digest = await hmac(contentBytes(content))
    return v1.some((signature) => timingSafeEqual(digest, bytesOfBase64(signature)))
  }
}

function ed25519Method(key: Ed25519PublicKey): MatchContent<Promise<boolean>> {
  const verify = webEd25519Verifier(key.publicKey)
  return async (content, { v1a }) => {
    const bytes = contentBytes(content)
    for (const signature of v1a) if (await verify(bytes, bytesOfBase64(signature))) return true
    return false
  }
}

/**
 * Prepares keys for verifying. Of what a request claims, nothing is looked at that would cost more
 * than one digest of the body for each key.
 *
 * @throws {@link WebhookKeyError} when a key cannot be used, EventsError (`invalid_argument`) when another option cannot.
 */
export function createVerifier(options: VerifierOptions): AsyncVerifier {
  return asyncVerifier(options, (key) => (key.kind === 'hmac' ? hmacMethod(key) : ed25519Method(key)))
}
