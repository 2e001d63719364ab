import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import * as web from '../../src/index.ts'
import * as node from '../../src/index-node.ts'

interface Vectors {
  readonly secret: string
  readonly endpoint: string
  readonly start: string
  readonly messages: readonly {
    readonly body: string
    readonly digest: string
    readonly signed: string
    readonly headers: Readonly<Record<string, string>>
  }[]
}

const file = new URL('../../../../docs/spec/sequence-vectors.json', import.meta.url)
const vectors: Vectors = JSON.parse(readFileSync(file, 'utf8'))

it.each([
  ['node', node],
  ['web', web],
] as const)('makes the hashes and signatures of the specification (%s)', async (_, build) => {
  const { secret, endpoint, start, messages } = vectors
  let chain = await build.chainStart(endpoint)
  expect(chain).toBe(start)
  for (const { body, digest, signed, headers } of messages) {
    const id = headers['webhook-id'] as string
    const sequence = Number(headers['webhook-sequence'])
    for (const one of [body, new TextEncoder().encode(body)]) expect(await build.digestOf(one)).toBe(digest)
    chain = await build.chainNext(chain, { sequence, id, digest })
    expect(chain).toBe(headers['webhook-chain'])
    expect(build.sequenceContent({ endpoint, sequence, chain })).toBe(signed)
    const timestamp = Number(headers['webhook-timestamp'])
    const signature = await build.createSigner(secret).sign({ id, timestamp, body: signed })
    expect(signature).toBe(headers['webhook-sequence-signature'])
  }
})
