import { readFileSync } from 'node:fs'
import { createSigner, sequenceContent } from '@x/signature'
import { expect, it } from 'vitest'
import { requestHeaders, sequenceHeaders } from '../../src/http/post.ts'

it('writes the headers of the specification', () => {
  const file = new URL('../../../../docs/spec/sequence-vectors.json', import.meta.url)
  const { secret, endpoint, messages } = JSON.parse(readFileSync(file, 'utf8'))
  const signer = createSigner(secret)
  for (const { body, headers } of messages) {
    const id = headers['webhook-id']
    const timestamp = Number(headers['webhook-timestamp'])
    const link = {
      endpoint,
      sequence: Number(headers['webhook-sequence']),
      chain: headers['webhook-chain'],
    }
    const flat = [
      ...requestHeaders('test', id, timestamp, signer.sign({ id, timestamp, body }), null),
      ...sequenceHeaders(link, signer.sign({ id, timestamp, body: sequenceContent(link) })),
    ]
    const written = Object.fromEntries(
      flat.flatMap((name, index) => (index % 2 === 0 ? [[name, flat[index + 1]]] : [])),
    )
    expect(written).toMatchObject(headers)
  }
})
