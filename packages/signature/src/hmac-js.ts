import { sha256 } from './sha256-js.ts'

const BLOCK_BYTES = 64

function concat(first: Uint8Array, second: Uint8Array): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(first.length + second.length)
  bytes.set(first)
  bytes.set(second, first.length)
  return bytes
}

/**
 * Makes the HMAC-SHA256 (RFC 2104) of a secret without waiting, in plain JavaScript: for the
 * synchronous face on runtimes whose only native HMAC is WebCrypto's. Several times slower than that.
 */
export function jsHmac(secret: Uint8Array): (content: Uint8Array) => Uint8Array<ArrayBuffer> {
  const block = new Uint8Array(BLOCK_BYTES)
  block.set(secret.length > BLOCK_BYTES ? sha256(secret) : secret)
  const inner = block.map((byte) => byte ^ 0x36)
  const outer = block.map((byte) => byte ^ 0x5c)
  return (content) => sha256(concat(outer, sha256(concat(inner, content))))
}
