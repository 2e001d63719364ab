import { pkcs8Of } from './ed25519-der.ts'

// Imported on first use and once: an import is a task of its own for WebCrypto.
function once<TValue>(make: () => Promise<TValue>): () => Promise<TValue> {
  let value: Promise<TValue> | undefined
  return () => {
    value ??= make()
    return value
  }
}

/** Makes the HMAC-SHA256 of a secret. */
export function webHmac(
  secret: Uint8Array<ArrayBuffer>,
): (content: Uint8Array<ArrayBuffer>) => Promise<Uint8Array<ArrayBuffer>> {
  const key = once(() =>
    crypto.subtle.importKey('raw', secret, { name: 'HMAC', hash: 'SHA-256' }, false, ['sign']),
  )
  return async (content) => new Uint8Array(await crypto.subtle.sign('HMAC', await key(), content))
}

/** Makes ed25519 signatures with a seed. */
export function webEd25519Signer(
  seed: Uint8Array<ArrayBuffer>,
): (content: Uint8Array<ArrayBuffer>) => Promise<Uint8Array<ArrayBuffer>> {
  const key = once(() => crypto.subtle.importKey('pkcs8', pkcs8Of(seed), 'Ed25519', false, ['sign']))
  return async (content) => new Uint8Array(await crypto.subtle.sign('Ed25519', await key(), content))
}

/** Checks ed25519 signatures with a public key. */
export function webEd25519Verifier(
  publicKey: Uint8Array<ArrayBuffer>,
): (content: Uint8Array<ArrayBuffer>, signature: Uint8Array<ArrayBuffer>) => Promise<boolean> {
  const key = once(() => crypto.subtle.importKey('raw', publicKey, 'Ed25519', false, ['verify']))
  return async (content, signature) => crypto.subtle.verify('Ed25519', await key(), signature, content)
}

/** The 32 bytes of the public key that belongs to a seed. */
export async function webPublicBytesOf(seed: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
  const key = await crypto.subtle.importKey('pkcs8', pkcs8Of(seed), 'Ed25519', true, ['sign'])
  const { x = '' } = await crypto.subtle.exportKey('jwk', key)
  const base64 = `${x.replaceAll('-', '+').replaceAll('_', '/')}=`
  return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0))
}
