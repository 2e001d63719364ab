import { createHmac, createSecretKey, sign } from 'node:crypto'
import { type SignContent, type SyncSigner, syncSigner } from './create-signer.ts'
import { importSeed, publicBytesOf } from './ed25519-node.ts'
import { checkHalves, type Ed25519PrivateKey, type HmacKey } from './keys.ts'
import { contentBytes } from './signed-content.ts'

function hmacMethod(key: HmacKey): SignContent<string> {
  // Made once: building a key object from bytes costs as much as signing a small body.
  const secret = createSecretKey(key.secret)
  return ({ head, body }) => {
    // Two updates: to join the parts first would copy the body.
    const digest = createHmac('sha256', secret).update(head).update(body).digest('base64')
    return `v1,${digest}`
  }
}

function ed25519Method(key: Ed25519PrivateKey): SignContent<string> {
  const privateKey = importSeed(key.seed)
  checkHalves(key, publicBytesOf(privateKey))
  return (content) => `v1a,${sign(null, contentBytes(content), privateKey).toString('base64')}`
}

/**
 * Prepares keys for signing. With several keys every message carries a signature of each, so that
 * receivers can move from one secret to the next in their own time.
 *
 * @param secrets - `whsec_` (HMAC, `v1`) or `whsk_` (ed25519, `v1a`), one or more.
 * @throws {@link WebhookKeyError} when a key cannot be used.
 *
 * @example
 * ```ts
 * import { createSigner, generateSecret } from '@x/signature'
 *
 * const signer = createSigner(generateSecret())
 * const signature = await signer.sign({
 *   id: 'evt_1',
 *   timestamp: Math.floor(Date.now() / 1000),
 *   body: '{"type":"File.Create"}',
 * })
 * ```
 */
export function createSigner(secrets: string | readonly string[]): SyncSigner {
  return syncSigner(secrets, (key) => (key.kind === 'hmac' ? hmacMethod(key) : ed25519Method(key)))
}
