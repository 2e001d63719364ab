/** A hash that senders sign with, as WebCrypto calls it. */
export type HashName = 'SHA-1' | 'SHA-256' | 'SHA-512'

/** How a digest is written in a header. */
export type DigestEncoding = 'hex' | 'base64'

type Bytes = Uint8Array<ArrayBuffer>
type Key = Awaited<ReturnType<typeof crypto.subtle.importKey>>

const LENGTHS: Readonly<Record<HashName, number>> = { 'SHA-1': 20, 'SHA-256': 32, 'SHA-512': 64 }

const encoder = new TextEncoder()

/** Joins texts, as UTF-8, and bytes. */
export function bytesOfParts(parts: readonly (string | Uint8Array)[]): Bytes {
  const list = parts.map((part) => (typeof part === 'string' ? encoder.encode(part) : part))
  const bytes = new Uint8Array(list.reduce((length, part) => length + part.length, 0))
  let offset = 0
  for (const part of list) {
    bytes.set(part, offset)
    offset += part.length
  }
  return bytes
}

/** Creates what makes HMACs of one hash, and keeps the keys of the secrets that it was called with last. */
export function createHmac(hash: HashName): (secret: string, content: Bytes) => Promise<Bytes> {
  const keys = new Map<string, Promise<Key>>()

  function keyOf(secret: string): Promise<Key> {
    const known = keys.get(secret)
    if (known) return known
    const key = crypto.subtle.importKey('raw', encoder.encode(secret), { name: 'HMAC', hash }, false, [
      'sign',
    ])
    const [oldest] = keys.keys()
    if (keys.size >= 1_000 && oldest !== undefined) keys.delete(oldest)
    keys.set(secret, key)
    return key
  }

  return async (secret, content) =>
    new Uint8Array(await crypto.subtle.sign('HMAC', await keyOf(secret), content))
}

/** Reads a digest as it stands in a header, strictly; undefined when it is none of this hash. */
export function digestOf(text: string, hash: HashName, encoding: DigestEncoding): Bytes | undefined {
  const length = LENGTHS[hash]
  if (encoding === 'hex') {
    if (text.length !== length * 2 || !/^[0-9a-f]+$/i.test(text)) return undefined
    return Uint8Array.from({ length }, (_, index) =>
      Number.parseInt(text.slice(index * 2, index * 2 + 2), 16),
    )
  }
  const bytes = decodeBase64(text, length)
  return bytes?.length === length ? bytes : undefined
}

/** Decodes padded base64 of at most so many bytes; undefined for anything else. */
export function decodeBase64(text: string, maxBytes: number): Bytes | undefined {
  if (
    text.length > Math.ceil(maxBytes / 3) * 4 ||
    !/^[A-Za-z0-9+/]+={0,2}$/.test(text) ||
    text.length % 4 > 0
  ) {
    return undefined
  }
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0))
}

/** Compares two digests in a time that does not tell where they differ. */
export function isEqual(left: Uint8Array, right: Uint8Array): boolean {
  if (left.length !== right.length) return false
  let difference = 0
  for (let index = 0; index < left.length; index++) difference |= (left[index] ?? 0) ^ (right[index] ?? 0)
  return difference === 0
}

/** Compares two texts in a time that tells neither where they differ nor how long the secret one is. */
export async function isSameText(left: string, right: string): Promise<boolean> {
  const [one, other] = await Promise.all([left, right].map((text) => sha256(encoder.encode(text))))
  return one !== undefined && other !== undefined && isEqual(one, other)
}

async function sha256(content: Bytes): Promise<Bytes> {
  return new Uint8Array(await crypto.subtle.digest('SHA-256', content))
}

/** The SHA-256 of bytes, in hexadecimal digits. */
export async function sha256Hex(content: Bytes): Promise<string> {
  return Array.from(await sha256(content), (byte) => byte.toString(16).padStart(2, '0')).join('')
}
