const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'
const NOT_BASE64 = 255
const VALUES = new Uint8Array(128).fill(NOT_BASE64)
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
  const bytes = new Uint8Array((text.length / 4) * 3 - padding)
  let bits = 0
  let bitCount = 0
  let length = 0
  for (let index = 0; index < text.length - padding; index++) {
    const value = valueAt(text, index)
    if (value === NOT_BASE64) return undefined
    bits = ((bits << 6) | value) & 0xffff
    bitCount += 6
    if (bitCount >= 8) {
      bitCount -= 8
      bytes[length++] = bits >> bitCount
    }
  }
  const leftOver = bits & ((1 << bitCount) - 1)
  return leftOver === 0 ? bytes : undefined
}

/** Encodes a key or signature; not meant for long inputs. */
export function encodeBase64(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes))
}
