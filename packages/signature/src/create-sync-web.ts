import { bytesOfBase64, encodeBase64 } from './base64.ts'
import { type SyncSigner, syncSigner } from './create-signer.ts'
import { type SyncVerifier, syncVerifier } from './create-verifier.ts'
import { WebhookKeyError } from './errors.ts'
import { jsHmac } from './hmac-js.ts'
import type { HmacKey, WebhookKey } from './keys.ts'
import type { VerifierOptions } from './options.ts'
import { contentBytes } from './signed-content.ts'
import { timingSafeEqual } from './timing-safe-equal.ts'

function onlyHmac(key: WebhookKey): HmacKey {
  if (key.kind === 'hmac') return key
  throw new WebhookKeyError(
    'wrong_key_kind',
    'On this runtime ed25519 works asynchronously only; use createSigner or createVerifier, or a whsec_ secret.',
  )
}

/**
 * As `createSigner`, without waiting: native on Node; elsewhere in plain JavaScript, for `whsec_` only.
 *
 * @throws {@link WebhookKeyError} when a key cannot be used.
 */
export function createSyncSigner(secrets: string | readonly string[]): SyncSigner {
  return syncSigner(secrets, (key) => {
    const hmac = jsHmac(onlyHmac(key).secret)
    return (content) => `v1,${encodeBase64(hmac(contentBytes(content)))}`
  })
}

/**
 * As `createVerifier`, without waiting: native on Node; elsewhere in plain JavaScript, for `whsec_` only.
 *
 * @throws {@link WebhookKeyError} when a key cannot be used, EventsError (`invalid_argument`) when another option cannot.
 */
export function createSyncVerifier(options: VerifierOptions): SyncVerifier {
  return syncVerifier(options, (key) => {
    const hmac = jsHmac(onlyHmac(key).secret)
    return (content, { v1 }) => {
      if (v1.length === 0) return false
      const digest = hmac(contentBytes(content))
      return v1.some((signature) => timingSafeEqual(digest, bytesOfBase64(signature)))
    }
  })
}
