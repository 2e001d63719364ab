import { WebhookVerificationError } from '@x/signature'
import { decodeBase64 } from './digest.ts'

type Bytes = Uint8Array<ArrayBuffer>

/** The parts of an X.509 certificate that a signature is checked with. */
export interface Certificate {
  /** SubjectPublicKeyInfo, as WebCrypto imports it. */
  readonly publicKey: Bytes
  /** Milliseconds since 1970. */
  readonly notBefore: number
  readonly notAfter: number
}

const PEM = /-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]{1,20000})-----END CERTIFICATE-----/
const SEQUENCE = 0x30
const VERSION = 0xa0
const UTC_TIME = 0x17

interface Element {
  readonly tag: number
  /** The whole element, and what is in it. */
  readonly whole: Bytes
  readonly content: Bytes
}

/**
 * Reads the first certificate of a PEM file (RFC 5280, section 4.1). It checks no chain: the caller has the certificate
 * from a place that it trusts.
 *
 * @throws WebhookVerificationError (`invalid_signature`) when there is none that can be read.
 */
export function readCertificate(pem: string): Certificate {
  const [, base64 = ''] = PEM.exec(pem) ?? []
  const der = decodeBase64(base64.replaceAll(/\s/g, ''), 16_000)
  const certificate = der && elementsOf(der)[0]
  const signed = certificate && elementsOf(certificate.content)[0]
  const fields = signed ? elementsOf(signed.content) : []
  // Version, where it is there, then serial number, algorithm, issuer, validity, subject, public key.
  const [, , , validity, , publicKey] = fields[0]?.tag === VERSION ? fields.slice(1) : fields
  const [notBefore, notAfter] = validity ? elementsOf(validity.content).map(timeOf) : []
  if (publicKey?.tag !== SEQUENCE || notBefore === undefined || notAfter === undefined) throw unreadable()
  return { publicKey: publicKey.whole, notBefore, notAfter }
}

/** Splits DER (X.690) into the elements that follow one another. */
function elementsOf(bytes: Bytes): Element[] {
  const elements: Element[] = []
  let offset = 0
  while (offset < bytes.length) {
    const tag = bytes[offset] ?? 0
    const first = bytes[offset + 1] ?? 0
    const lengthBytes = first < 0x80 ? 0 : first & 0x7f
    // No certificate is longer than two bytes can say; indefinite lengths are none of DER.
    if (lengthBytes > 2 || first === 0x80) throw unreadable()
    const start = offset + 2 + lengthBytes
    let length = first < 0x80 ? first : 0
    for (let index = offset + 2; index < start; index++) length = length * 256 + (bytes[index] ?? 0)
    const end = start + length
    if (end > bytes.length) throw unreadable()
    elements.push({ tag, whole: bytes.slice(offset, end), content: bytes.slice(start, end) })
    offset = end
  }
  return elements
}

/** UTCTime, whose years are of 1950 to 2049, and GeneralizedTime. */
function timeOf({ tag, content }: Element): number {
  const text = String.fromCharCode(...content)
  const [, years = '', month, day, hour, minute, second] =
    /^(\d{2}|\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/.exec(text) ?? []
  const century = tag === UTC_TIME ? (Number(years) < 50 ? '20' : '19') : ''
  const time = Date.parse(`${century}${years}-${month}-${day}T${hour}:${minute}:${second}Z`)
  if (Number.isNaN(time)) throw unreadable()
  return time
}

function unreadable(): WebhookVerificationError {
  return new WebhookVerificationError('invalid_signature', 'The certificate cannot be read.')
}
