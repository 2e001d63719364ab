/** PKCS #8 (RFC 5958), encrypted by a passphrase. */
const ENCRYPTED =
  /-----BEGIN ENCRYPTED PRIVATE KEY-----([A-Za-z0-9+/=\s]+)-----END ENCRYPTED PRIVATE KEY-----/g
const BEGINNINGS = /BEGIN ENCRYPTED/g
const SCRYPT = '2b06010401da47040b' // 1.3.6.1.4.1.11591.4.11
/** A key is derived while everything else waits: 20,000 hashes take some 10 ms. OpenSSL makes 2,048. */
const MAX_ITERATIONS = 20_000
const MAX_DEPTH = 8

const SEQUENCE = 0x30
const INTEGER = 0x02
const OBJECT_IDENTIFIER = 0x06

/**
 * Whether deriving the key from the passphrase of a private key in PEM takes little time and memory. The file itself
 * sets the number of iterations, up to billions.
 */
export function isQuicklyDecrypted(pem: string): boolean {
  const found = [...pem.matchAll(ENCRYPTED)]
  if (found.length !== (pem.match(BEGINNINGS) ?? []).length) return false
  return found.every(([, base64 = '']) => {
    const [whole] = elementsOf(Buffer.from(base64, 'base64'))
    const [algorithm] = whole?.tag === SEQUENCE ? elementsOf(whole.content) : []
    return algorithm !== undefined && isQuick(algorithm, 0)
  })
}

interface Element {
  readonly tag: number
  readonly content: Buffer
}

function isQuick({ tag, content }: Element, depth: number): boolean {
  if (tag === OBJECT_IDENTIFIER) return content.toString('hex') !== SCRYPT
  // Of the parameters that there are, the iterations are the greatest, or the only ones.
  if (tag === INTEGER)
    return (
      content.length >= 1 && content.length <= 4 && content.readIntBE(0, content.length) <= MAX_ITERATIONS
    )
  if (tag !== SEQUENCE) return true
  const elements = depth < MAX_DEPTH ? elementsOf(content) : []
  return elements.length > 0 && elements.every((one) => isQuick(one, depth + 1))
}

/** The elements of DER (X.690) that stand side by side; none where it is something else. */
function elementsOf(der: Buffer): readonly Element[] {
  const elements: Element[] = []
  for (let at = 0; at < der.length; ) {
    const tag = der[at] as number
    const first = der[at + 1] ?? 0x80
    const lengthBytes = first < 0x80 ? 0 : first - 0x80
    const start = at + 2 + lengthBytes
    if (first === 0x80 || lengthBytes > 3 || start > der.length) return []
    const length = lengthBytes === 0 ? first : der.readUIntBE(at + 2, lengthBytes)
    if (start + length > der.length) return []
    elements.push({ tag, content: der.subarray(start, start + length) })
    at = start + length
  }
  return elements
}
