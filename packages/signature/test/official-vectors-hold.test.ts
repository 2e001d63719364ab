import { describe, expect, it } from 'vitest'
import vectors from '../vectors/official.json' with { type: 'json' }
import { builds, clockAt } from './builds.ts'

describe.each(builds)('$build', ({ build, createSigner, createVerifier }) => {
  const known = vectors.filter(
    ({ signWith }) => build !== 'plain JavaScript' || signWith.startsWith('whsec_'),
  )

  it.each(known)('signs: $name', async ({ signWith, id, timestamp, body, signature }) => {
    expect(await createSigner(signWith).sign({ id, timestamp, body })).toBe(signature)
    expect(await createSigner(signWith).sign({ id, timestamp, body: Buffer.from(body) })).toBe(signature)
  })

  it.each(known)('verifies: $name', async ({ verifyWith, id, timestamp, body, signature }) => {
    const verifier = createVerifier({ secrets: verifyWith, clock: clockAt(timestamp) })
    const headers = {
      'webhook-id': id,
      'webhook-timestamp': String(timestamp),
      'webhook-signature': signature,
    }
    const message = { id, timestamp, keyIndex: 0 }
    expect(await verifier.verify(body, headers)).toEqual(message)
    expect(await verifier.verify(Buffer.from(body), new Headers(headers))).toEqual(message)
    expect(await verifier.verify(new TextEncoder().encode(body).buffer, headers)).toEqual(message)
  })
})
