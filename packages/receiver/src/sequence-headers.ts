import {
  isMessageId,
  type SequenceLink,
  sequenceContent,
  type VerifiedMessage,
  type WebhookHeaders,
  WebhookVerificationError,
} from '@x/signature'
import { fetchHeadersOf } from './fetch-headers.ts'
import type { MessageVerifier } from './message-verifier.ts'

const NAMES = ['webhook-endpoint', 'webhook-sequence', 'webhook-chain', 'webhook-sequence-signature'] as const
const SEQUENCE = /^[1-9]\d{0,15}$/
const CHAIN = /^[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=$/
const MAX_ENDPOINT_LENGTH = 200

const invalid = (name: string, must: string) =>
  new WebhookVerificationError('invalid_header', `The header ${name} must be ${must}.`)

/**
 * Reads the place of a verified message among those of its endpoint, and verifies that it is the sender's word.
 *
 * @returns undefined for a message without a number.
 * @throws WebhookVerificationError when one of the headers is missing, or no signature fits.
 */
export async function openLink(
  verifier: MessageVerifier,
  message: VerifiedMessage,
  rawHeaders: WebhookHeaders,
  url: string | undefined,
): Promise<SequenceLink | undefined> {
  const headers = new Headers(fetchHeadersOf(rawHeaders))
  const values = NAMES.map((name) => headers.get(name))
  if (values.every((value) => value === null)) return undefined
  const absent = NAMES.find((_, index) => values[index] === null)
  if (absent) throw new WebhookVerificationError('missing_header', `The header ${absent} is missing.`)
  const [endpoint, number, chain, signature] = values as [string, string, string, string]
  if (!isMessageId(endpoint) || endpoint.length > MAX_ENDPOINT_LENGTH) {
    throw invalid(NAMES[0], `1 to ${MAX_ENDPOINT_LENGTH} visible ASCII characters without a full stop`)
  }
  const sequence = Number(number)
  if (!SEQUENCE.test(number) || !Number.isSafeInteger(sequence))
    throw invalid(NAMES[1], 'a whole number, 1 or more, in digits only')
  if (!CHAIN.test(chain)) throw invalid(NAMES[2], 'the base64 of 32 bytes')
  const link = { endpoint, sequence, chain }
  // Under the id and the time that were verified with the body, whichever headers those came in.
  for (const name of ['id', 'timestamp', 'signature']) headers.delete(`svix-${name}`)
  headers.set('webhook-id', message.id)
  headers.set('webhook-timestamp', String(message.timestamp))
  headers.set('webhook-signature', signature)
  await verifier.verify(sequenceContent(link), headers, url)
  return link
}
