import { describe, expect, it } from 'vitest'
import vectors from '../vectors/bodies.json' with { type: 'json' }
import { builds, clockAt } from './builds.ts'

const { secret, now, id, accepted, refused } = vectors
const headersOf = (signature: string) => ({
  'webhook-id': id,
  'webhook-timestamp': String(now),
  'webhook-signature': signature,
})

describe.each(builds)('$build', ({ createVerifier }) => {
  const verifier = createVerifier({ secrets: secret, clock: clockAt(now) })

  it.each(accepted)('accepts $name', async ({ body, signature }) => {
    const bytes = Buffer.from(body, 'base64')
    expect(await verifier.verify(bytes, headersOf(signature))).toMatchObject({ id })
    expect(await verifier.verify(Uint8Array.from(bytes).buffer, headersOf(signature))).toMatchObject({ id })
  })

  it.each(refused)('refuses $name', async ({ body, signature, code }) => {
    const verify = async () => verifier.verify(Buffer.from(body, 'base64'), headersOf(signature))
    await expect(verify()).rejects.toMatchObject({ name: 'WebhookVerificationError', code })
  })
})
