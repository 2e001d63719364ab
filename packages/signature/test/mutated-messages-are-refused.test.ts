import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { WebhookKeyError, WebhookVerificationError } from '../src/index.ts'
import { builds, clockAt, ed25519Builds } from './builds.ts'

const NOW = 1_790_000_000
const keyPair = await builds[1].generateKeyPair()
const id = fc.stringMatching(/^[!-\-/-~]{1,40}$/)
const body = fc.uint8Array({ minLength: 1, maxLength: 300 })
const bit = fc.nat(1 << 20)

function flip(bytes: Uint8Array, bitIndex: number): Uint8Array<ArrayBuffer> {
  const flipped = Uint8Array.from(bytes)
  const at = bitIndex % (bytes.length * 8)
  flipped[at >> 3] = (flipped[at >> 3] ?? 0) ^ (1 << (at & 7))
  return flipped
}

// As Node would hand the bytes of a header over: one character for each.
const flipText = (text: string, bitIndex: number) =>
  Buffer.from(flip(Buffer.from(text, 'latin1'), bitIndex)).toString('latin1')

const part = fc.constantFrom('body', 'webhook-id', 'webhook-timestamp', 'webhook-signature', 'key')

async function refusalOf(
  { createSigner, createVerifier }: (typeof builds)[number],
  keys: { signWith: string; verifyWith: string },
  [messageId, bytes, mutated, bitIndex]: [string, Uint8Array, string, number],
): Promise<unknown> {
  const message = { id: messageId, timestamp: NOW, body: bytes }
  const headers: Record<string, string> = {
    'webhook-id': messageId,
    'webhook-timestamp': String(NOW),
    'webhook-signature': await createSigner(keys.signWith).sign(message),
  }
  const header = headers[mutated]
  if (header !== undefined) headers[mutated] = flipText(header, bitIndex)
  const prefix = keys.verifyWith.indexOf('_') + 1
  const key = flip(Buffer.from(keys.verifyWith.slice(prefix), 'base64'), bitIndex)
  const mutatedKey = keys.verifyWith.slice(0, prefix) + Buffer.from(key).toString('base64')
  try {
    const secrets = mutated === 'key' ? mutatedKey : keys.verifyWith
    const verifier = createVerifier({ secrets, clock: clockAt(NOW), toleranceSeconds: 300 })
    return await verifier.verify(mutated === 'body' ? flip(bytes, bitIndex) : bytes, headers)
  } catch (error) {
    return error
  }
}

describe.each(builds)('$build', (build) => {
  it('refuses an HMAC message of which any one bit was changed', async () => {
    const secret = build.generateSecret()
    const keys = { signWith: secret, verifyWith: secret }
    await fc.assert(
      fc.asyncProperty(fc.tuple(id, body, part, bit), async (mutation) => {
        expect(await refusalOf(build, keys, mutation)).toBeInstanceOf(WebhookVerificationError)
      }),
      { numRuns: 500 },
    )
  })
})

describe.each(ed25519Builds)('$build', (build) => {
  it('refuses an ed25519 message of which any one bit was changed', async () => {
    const keys = { signWith: keyPair.privateKey, verifyWith: keyPair.publicKey }
    await fc.assert(
      fc.asyncProperty(fc.tuple(id, body, part, bit), async (mutation) => {
        const outcome = await refusalOf(build, keys, mutation)
        // A changed key may also be refused as a key, where a request has not even come.
        expect(outcome instanceof WebhookVerificationError || outcome instanceof WebhookKeyError).toBe(true)
      }),
      { numRuns: 200 },
    )
  })
})
