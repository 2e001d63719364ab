import { encodeBase64 } from './base64.ts'
import { type ChainedMessage, linkText, startText } from './sequence.ts'

const encoder = new TextEncoder()

/** The SHA-256 of a body, in base64; a string stands for its UTF-8 bytes. At once on Node, in a promise elsewhere. */
export async function digestOf(body: Uint8Array | string): Promise<string> {
  const bytes = typeof body === 'string' ? encoder.encode(body) : Uint8Array.from(body)
  return encodeBase64(new Uint8Array(await crypto.subtle.digest('SHA-256', bytes)))
}

/** The chain hash before the first message of an endpoint. */
export const chainStart = (endpoint: string): Promise<string> => digestOf(startText(endpoint))

/**
 * The chain hash of a message.
 *
 * @param previous - that of the message before, or {@link chainStart}.
 */
export const chainNext = async (previous: string, message: ChainedMessage): Promise<string> =>
  digestOf(linkText(previous, message))
