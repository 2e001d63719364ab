import { WebhookVerificationError } from './errors.ts'
import type { RawWebhookHeaders } from './read-headers.ts'

/** The signatures of a message that can be checked here, by algorithm: base64 that is known to be strict. */
export interface SignatureList {
  /** HMAC-SHA256, 32 bytes each. */
  readonly v1: readonly string[]
  /** ed25519, 64 bytes each. */
  readonly v1a: readonly string[]
}

// Whoever sends the request writes this list before anything is known about them, so that the work
// it can cause is bounded. Sixteen keys in rotation at once are more than anybody has.
const MAX_SIGNATURES = 16
const MAX_LENGTH = 4096
// Of the last digit before the padding, the bits that are left over are zero: one spelling for each
// sequence of bytes, of exactly the length that the algorithm makes.
const V1 = /^v1,[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=$/
const V1A = /^v1a,[A-Za-z0-9+/]{85}[AQgw]==$/
const UNKNOWN_VERSION = /^(?!v1a?,)[A-Za-z0-9]{1,16},[^,]+$/

/**
 * Reads the signatures of a message. Algorithms of other versions are passed over, as the specification
 * wants it; anything that is not a list of `label,signature` is refused as a whole.
 *
 * @throws {@link WebhookVerificationError}
 */
export function parseSignatureList({ family, signature: text }: RawWebhookHeaders): SignatureList {
  // What nearly every sender sends.
  if (V1.test(text)) return { v1: [text.slice(3)], v1a: [] }
  const refuse = (why: string): never => {
    throw new WebhookVerificationError('invalid_signature', `The header ${family}-signature ${why}.`)
  }
  if (text.length > MAX_LENGTH) refuse(`is longer than ${MAX_LENGTH} characters`)
  const entries = text.split(' ', MAX_SIGNATURES + 1)
  if (entries.length > MAX_SIGNATURES) refuse(`has more than ${MAX_SIGNATURES} signatures`)
  const v1: string[] = []
  const v1a: string[] = []
  for (const entry of entries) {
    if (V1.test(entry)) v1.push(entry.slice(3))
    else if (V1A.test(entry)) v1a.push(entry.slice(4))
    else if (!UNKNOWN_VERSION.test(entry)) refuse('is not a list of "label,base64"')
  }
  return { v1, v1a }
}
