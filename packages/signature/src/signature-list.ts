import { decodeBase64 } from './base64.ts'
import { WebhookVerificationError } from './errors.ts'

/** The signatures of a message that can be checked here, by algorithm. */
export interface SignatureList {
  /** HMAC-SHA256, 32 bytes each. */
  readonly v1: readonly Uint8Array<ArrayBuffer>[]
  /** ed25519, 64 bytes each. */
  readonly v1a: readonly Uint8Array<ArrayBuffer>[]
}

// Whoever sends the request writes this list before anything is known about them, so that the work
// it can cause is bounded. Sixteen keys in rotation at once are more than anybody has.
const MAX_SIGNATURES = 16
const MAX_LENGTH = 4096
const UNKNOWN_VERSION = /^[A-Za-z0-9]{1,16},[^,]+$/

function refuse(why: string): never {
  throw new WebhookVerificationError('invalid_signature', `The header webhook-signature ${why}.`)
}

function decode(text: string, length: number): Uint8Array<ArrayBuffer> {
  const bytes = decodeBase64(text)
  return bytes?.length === length ? bytes : refuse(`has a signature that is not ${length} bytes in base64`)
}

/**
 * Reads a `webhook-signature`. Algorithms of other versions are passed over, as the specification
 * wants it; anything that is not a list of `label,signature` is refused as a whole.
 *
 * @throws {@link WebhookVerificationError}
 */
export function parseSignatureList(text: string): SignatureList {
  if (text.length > MAX_LENGTH) refuse(`is longer than ${MAX_LENGTH} characters`)
  const entries = text.split(' ', MAX_SIGNATURES + 1)
  if (entries.length > MAX_SIGNATURES) refuse(`has more than ${MAX_SIGNATURES} signatures`)
  const v1: Uint8Array<ArrayBuffer>[] = []
  const v1a: Uint8Array<ArrayBuffer>[] = []
  for (const entry of entries) {
    if (entry.startsWith('v1,')) v1.push(decode(entry.slice(3), 32))
    else if (entry.startsWith('v1a,')) v1a.push(decode(entry.slice(4), 64))
    else if (!UNKNOWN_VERSION.test(entry)) refuse('is not a list of "label,signature"')
  }
  return { v1, v1a }
}
