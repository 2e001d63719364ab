import { createHash } from 'node:crypto'
import { type ChainedMessage, linkText, startText } from './sequence.ts'

/** The SHA-256 of a body, in base64; a string stands for its UTF-8 bytes. At once on Node, in a promise elsewhere. */
export function digestOf(body: Uint8Array | string): string {
  return createHash('sha256').update(body).digest('base64')
}

/** The chain hash before the first message of an endpoint. */
export const chainStart = (endpoint: string): string => digestOf(startText(endpoint))

/**
 * The chain hash of a message.
 *
 * @param previous - that of the message before, or {@link chainStart}.
 *
 * @example
 * ```ts
 * import { chainNext, chainStart, digestOf } from '@x/signature'
 *
 * const first = { sequence: 1, id: 'evt_1', digest: await digestOf('{"type":"File.Create"}') }
 * const chain = await chainNext(await chainStart('ep_1'), first)
 * ```
 */
export const chainNext = (previous: string, message: ChainedMessage): string =>
  digestOf(linkText(previous, message))
