import { createHmac, createSecretKey, timingSafeEqual, verify } from 'node:crypto'
import { type MatchContent, type SyncVerifier, syncVerifier } from './create-verifier.ts'
import { importPublicKey } from './ed25519-node.ts'
import type { Ed25519PublicKey, HmacKey } from './keys.ts'
import type { VerifierOptions } from './options.ts'
import { contentBytes } from './signed-content.ts'

// Filled and compared at once, with nothing in between. A digest as a new Buffer, and a new Buffer for
// each signature, would take a third of the time of a short message.
const expected = Buffer.alloc(32)
const received = Buffer.alloc(32)

function hmacMethod(key: HmacKey): MatchContent<boolean> {
  const secret = createSecretKey(key.secret)
  return ({ head, body }, { v1 }) => {
    if (v1.length === 0) return false
    // One digest, however many signatures claim to be it; two updates, since to join the parts
    // first would copy the body.
    const digest = createHmac('sha256', secret).update(head).update(body).digest('binary')
    for (const signature of v1) {
      expected.write(digest, 'binary')
      received.write(signature, 'base64')
      if (timingSafeEqual(expected, received)) return true
    }
    return false
  }
}

function ed25519Method(key: Ed25519PublicKey): MatchContent<boolean> {
  const publicKey = importPublicKey(key.publicKey)
  return (content, { v1a }) => {
    if (v1a.length === 0) return false
    const bytes = contentBytes(content)
    return v1a.some((signature) => verify(null, bytes, publicKey, Buffer.from(signature, 'base64')))
  }
}

/**
 * Prepares keys for verifying. Of what a request claims, nothing is looked at that would cost more
 * than one digest of the body for each key.
 *
 * @throws {@link WebhookKeyError} when a key cannot be used, EventsError (`invalid_argument`) when another option cannot.
 *
 * @example
 * ```ts
 * import { createVerifier } from '@x/signature'
 *
 * async function senderOf(secret: string, request: Request) {
 *   const verifier = createVerifier({ secrets: secret })
 *   return await verifier.verify(await request.arrayBuffer(), request.headers)
 * }
 * ```
 */
export function createVerifier(options: VerifierOptions): SyncVerifier {
  return syncVerifier(options, (key) => (key.kind === 'hmac' ? hmacMethod(key) : ed25519Method(key)))
}
