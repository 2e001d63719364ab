// The fixed beginnings of the two DER structures that crypto libraries import (RFC 8410).
const PKCS8_HEAD = [0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20]
const SPKI_HEAD = [0x30, 0x2a, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 3, 0x21, 0]

/** A seed as a PKCS #8 private key. */
export function pkcs8Of(seed: Uint8Array): Uint8Array<ArrayBuffer> {
  return Uint8Array.of(...PKCS8_HEAD, ...seed)
}

/** A public key as a SubjectPublicKeyInfo. */
export function spkiOf(publicKey: Uint8Array): Uint8Array<ArrayBuffer> {
  return Uint8Array.of(...SPKI_HEAD, ...publicKey)
}
