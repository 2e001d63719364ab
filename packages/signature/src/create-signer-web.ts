import { encodeBase64 } from './base64.ts'
import { type AsyncSigner, asyncSigner, type SignContent } from './create-signer.ts'
import { checkHalves, type Ed25519PrivateKey, type HmacKey } from './keys.ts'
import { contentBytes } from './signed-content.ts'
import { webEd25519Signer, webHmac, webPublicBytesOf } from './web-crypto.ts'

function hmacMethod(key: HmacKey): SignContent<Promise<string>> {
  const hmac = webHmac(key.secret)
  return async (content) => `v1,${encodeBase64(await hmac(contentBytes(content)))}`
}

function ed25519Method(key: Ed25519PrivateKey): SignContent<Promise<string>> {
  const sign = webEd25519Signer(key.seed)
  let checked: Promise<void> | undefined
  return async (content) => {
    checked ??= webPublicBytesOf(key.seed).then((publicKey) => checkHalves(key, publicKey))
    await checked
    return `v1a,${encodeBase64(await sign(contentBytes(content)))}`
  }
}

/**
 * Prepares keys for signing. With several keys every message carries a signature of each, so that
 * receivers can move from one secret to the next in their own time.
 *
 * @param secrets - `whsec_` (HMAC, `v1`) or `whsk_` (ed25519, `v1a`), one or more.
 * @throws {@link WebhookKeyError} when a key cannot be used.
 */
export function createSigner(secrets: string | readonly string[]): AsyncSigner {
  return asyncSigner(secrets, (key) => (key.kind === 'hmac' ? hmacMethod(key) : ed25519Method(key)))
}
