import { EventsError, shown } from '@x/events-core'

/** What a numbered message says of its place: see docs/spec/sequence.md. */
export interface SequenceLink {
  /** The `webhook-endpoint`: whose numbers they are. */
  readonly endpoint: string
  /** The `webhook-sequence`: 1 for the endpoint's first message, and one more for each. */
  readonly sequence: number
  /** The `webhook-chain`: a hash over the one before and this message, in base64. */
  readonly chain: string
}

/** What a chain hash is made of, besides the one before. */
export interface ChainedMessage {
  readonly sequence: number
  /** The `webhook-id`. */
  readonly id: string
  /** The body's SHA-256, in base64: `digestOf(body)`. */
  readonly digest: string
}

const LABEL = 'webhook-chain.v1'

/** The text whose hash stands before an endpoint's first message. */
export const startText = (endpoint: string): string => `${LABEL}\n${endpoint}`

/**
 * The text whose hash a message has. No part of it holds a line break.
 *
 * @throws EventsError (`invalid_argument`) for a part that is missing, whose place `undefined` would take.
 */
export function linkText(previous: string, message: ChainedMessage): string {
  const { sequence, id, digest }: ChainedMessage = Object(message)
  assertParts('chainNext', sequence, { previous, id, digest })
  return `${LABEL}\n${previous}\n${sequence}\n${id}\n${digest}`
}

function assertParts(call: string, sequence: number, texts: Readonly<Record<string, string>>): void {
  const invalid = (name: string, expected: string, value: unknown) =>
    new EventsError('invalid_argument', `${call}: ${name} must be ${expected}; got ${shown(value)}.`)
  if (!Number.isSafeInteger(sequence)) throw invalid('sequence', 'an integer', sequence)
  for (const [name, text] of Object.entries(texts)) {
    if (typeof text !== 'string') throw invalid(name, 'a text', text)
  }
}

/**
 * What the `webhook-sequence-signature` of a message signs, in place of its body, under the message's id and timestamp.
 *
 * @throws EventsError (`invalid_argument`) for a part that is missing.
 *
 * @example
 * ```ts
 * import { createSigner, generateSecret, sequenceContent } from '@x/signature'
 *
 * const signer = createSigner(generateSecret())
 * const link = { endpoint: 'ep_1', sequence: 12, chain: 'DRQwqzHkvlcxyVv5a7ssRJ5FRSJvuoD1aWoAPi3u3Ns=' }
 * const signature = await signer.sign({
 *   id: 'evt_1',
 *   timestamp: Math.floor(Date.now() / 1000),
 *   body: sequenceContent(link),
 * })
 * ```
 */
export const sequenceContent = (link: SequenceLink): string => {
  const { endpoint, sequence, chain }: SequenceLink = Object(link)
  assertParts('sequenceContent', sequence, { endpoint, chain })
  return `sequence.${endpoint}.${sequence}.${chain}`
}
