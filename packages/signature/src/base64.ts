const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'
const NOT_BASE64 = -1
const VALUES = new Int8Array(128).fill(NOT_BASE64)
for (let value = 0; value < ALPHABET.length; value++) VALUES[ALPHABET.charCodeAt(value)] = value

function valueAt(text: string, index: number): number {
  return VALUES[text.charCodeAt(index)] ?? NOT_BASE64
}

/**
 * Decodes base64 (RFC 4648, section 4) strictly: standard alphabet, padded, no white space, and the
 * bits that padding leaves over are zero, so that each sequence of bytes has one spelling.
 *
 * @returns undefined when the text is anything else. Lenient decoders (`Buffer.from`) skip what they
 * do not know, which lets a damaged key become another, shorter one.
 */
export function decodeBase64(text: string): Uint8Array<ArrayBuffer> | undefined {
  if (text.length % 4 !== 0) return undefined
  const padding = text.endsWith('==') ? 2 : text.endsWith('=') ? 1 : 0
  const digits = padding === 0 ? text : text.slice(0, -padding) + 'A'.repeat(padding) // A is zero
  const bytes = new Uint8Array((text.length / 4) * 3 - padding)
  let group = 0
  let length = 0
  for (let index = 0; index < digits.length; index += 4) {
    group =
      (valueAt(digits, index) << 18) |
      (valueAt(digits, index + 1) << 12) |
      (valueAt(digits, index + 2) << 6) |
      valueAt(digits, index + 3)
    if (group < 0) return undefined
    bytes[length++] = group >> 16
    bytes[length++] = group >> 8
    bytes[length++] = group // what is beyond the end, a typed array drops
  }
  const leftOver = group & (2 ** (8 * padding) - 1)
  return leftOver === 0 ? bytes : undefined
}

/** Encodes a key or signature; not meant for long inputs. */
export function encodeBase64(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes))
}
