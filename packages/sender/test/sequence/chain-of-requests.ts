import { chainNext, chainStart, createVerifier, digestOf, sequenceContent } from '@x/signature'
import type { ReceivedRequest } from '@x/testkit'

/** A numbered request, as its headers and body have it. */
export interface NumberedRequest {
  readonly endpoint: string
  readonly sequence: number
  readonly chain: string
  readonly id: string
  readonly digest: string
}

/** Reads the numbered requests among those received, the first of each number, in the order of their numbers. */
export function numbered(requests: readonly ReceivedRequest[]): readonly NumberedRequest[] {
  const bySequence = new Map<number, NumberedRequest>()
  for (const { headers, rawBody } of requests) {
    const text = headers['webhook-sequence']
    if (text === undefined) continue
    const sequence = Number(text)
    const one = {
      endpoint: String(headers['webhook-endpoint']),
      sequence,
      chain: String(headers['webhook-chain']),
      id: String(headers['webhook-id']),
      digest: digestOf(rawBody),
    }
    const known = bySequence.get(sequence)
    if (known && JSON.stringify(known) !== JSON.stringify(one)) {
      throw new Error(`Number ${sequence} was given to ${JSON.stringify(known)} and ${JSON.stringify(one)}`)
    }
    bySequence.set(sequence, one)
  }
  return [...bySequence.values()].sort((a, b) => a.sequence - b.sequence)
}

/**
 * The numbers of requests to one endpoint.
 *
 * @throws Error where a number is missing, given twice, or a hash does not follow from the one before.
 */
export function chainOf(requests: readonly ReceivedRequest[]): readonly number[] {
  const all = numbered(requests)
  let chain = chainStart(all[0]?.endpoint ?? '')
  for (const [index, one] of all.entries()) {
    if (one.sequence !== index + 1) throw new Error(`Number ${index + 1} is missing, before ${one.sequence}`)
    chain = chainNext(chain, one)
    if (one.chain !== chain) throw new Error(`The chain is broken at ${one.sequence}`)
  }
  return all.map(({ sequence }) => sequence)
}

/** Whether both signatures of a request fit. */
export function isSigned({ headers, rawBody }: ReceivedRequest, secret: string): boolean {
  const { verify } = createVerifier({ secrets: secret, toleranceSeconds: Number.MAX_SAFE_INTEGER })
  const flat = headers as Record<string, string>
  verify(rawBody, flat)
  const content = sequenceContent({
    endpoint: flat['webhook-endpoint'] as string,
    sequence: Number(flat['webhook-sequence']),
    chain: flat['webhook-chain'] as string,
  })
  verify(content, { ...flat, 'webhook-signature': flat['webhook-sequence-signature'] as string })
  return true
}
