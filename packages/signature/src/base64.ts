/**
 * Decodes base64 (RFC 4648, section 4) strictly: standard alphabet, padded, no white space, and the
 * bits that padding leaves over are zero, so that each sequence of bytes has one spelling.
 *
 * @returns undefined when the text is anything else. Lenient decoders skip what they do not know,
 * which lets a damaged key become another, shorter one.
 */
export function decodeBase64(text: string): Uint8Array<ArrayBuffer> | undefined {
  try {
    const bytes = bytesOfBase64(text)
    // Whatever `atob` forgave is not written again.
    return encodeBase64(bytes) === text ? bytes : undefined
  } catch {
    return undefined // it knows no such character
  }
}

/** Decodes base64 that was found to be strict before. */
export function bytesOfBase64(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0))
}

/** Encodes a key or signature; not meant for long inputs. */
export function encodeBase64(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes))
}
