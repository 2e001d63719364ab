import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { builds, clockAt, ed25519Builds } from './builds.ts'

const NOW = 1_790_000_000
const id = fc.stringMatching(/^[!-\-/-~]{1,256}$/)
const body = fc.oneof(fc.uint8Array({ maxLength: 2000 }), fc.string({ unit: 'grapheme', maxLength: 500 }))
const age = fc.integer({ min: -300, max: 300 })

describe.each(builds)('$build', ({ createSigner, createVerifier, generateSecret }) => {
  it('verifies anything that any build signed', async () => {
    const secret = generateSecret()
    const verifier = createVerifier({ secrets: secret, clock: clockAt(NOW) })
    const signers = builds.map((other) => other.createSigner(secret))
    await fc.assert(
      fc.asyncProperty(id, body, age, async (messageId, anyBody, ageSeconds) => {
        const timestamp = NOW - ageSeconds
        const message = { id: messageId, timestamp, body: anyBody }
        const signatures = await Promise.all(signers.map((signer) => signer.sign(message)))
        expect(new Set(signatures).size).toBe(1)
        const headers = {
          'webhook-id': messageId,
          'webhook-timestamp': String(timestamp),
          'webhook-signature': signatures[0],
        }
        expect(await verifier.verify(anyBody, headers)).toEqual({ id: messageId, timestamp, keyIndex: 0 })
      }),
    )
  })

  it('accepts every length of secret from 24 to 64 bytes', async () => {
    for (let length = 24; length <= 64; length++) {
      const secret = generateSecret(length)
      const signature = await createSigner(secret).sign({ id: 'a', timestamp: NOW, body: '{}' })
      const headers = { 'webhook-id': 'a', 'webhook-timestamp': String(NOW), 'webhook-signature': signature }
      const verifier = createVerifier({ secrets: secret, clock: clockAt(NOW) })
      expect(await verifier.verify('{}', headers)).toMatchObject({ id: 'a' })
    }
  })

  it('signs with each key while keys are rotated, and says which one fitted', async () => {
    const [older, newer] = [generateSecret(), generateSecret()]
    const signature = await createSigner([newer, older]).sign({ id: 'a', timestamp: NOW, body: '{}' })
    expect(signature).toMatch(/^v1,\S+ v1,\S+$/)
    const headers = { 'webhook-id': 'a', 'webhook-timestamp': String(NOW), 'webhook-signature': signature }
    const keyIndexOf = async (secrets: string[]) =>
      (await createVerifier({ secrets, clock: clockAt(NOW) }).verify('{}', headers)).keyIndex
    expect(await keyIndexOf([older])).toBe(0)
    expect(await keyIndexOf([generateSecret(), newer])).toBe(1)
  })

  it.each([
    { id: '' },
    { id: 'a.b' },
    { id: 'a b' },
    { id: 'a\nb' },
    { id: 'é' },
    { id: 'a'.repeat(257) },
    { id: undefined as unknown as string },
    { timestamp: 1.5 },
    { timestamp: 1e12 },
    { body: '\ud800' },
    { body: [1, 2, 3] as unknown as Uint8Array },
    { body: undefined as unknown as string },
    { timestamp: -1 },
    { timestamp: Number.NaN },
    { timestamp: '1' as unknown as number },
  ])('does not sign what no receiver would accept: %j', async (part) => {
    const sign = async () =>
      createSigner(generateSecret()).sign({ id: 'a', timestamp: NOW, body: '{}', ...part })
    await expect(sign()).rejects.toMatchObject({ code: 'invalid_argument' })
  })
})

describe.each(ed25519Builds)(
  '$build',
  ({ createSigner, createVerifier, generateKeyPair, generateSecret }) => {
    it('verifies with the public key what the private one signed, beside HMAC', async () => {
      const { privateKey, publicKey } = await generateKeyPair()
      const secret = generateSecret()
      const signature = await createSigner([secret, privateKey]).sign({ id: 'a', timestamp: NOW, body: '{}' })
      expect(signature).toMatch(/^v1,\S{44} v1a,\S{88}$/)
      const headers = { 'webhook-id': 'a', 'webhook-timestamp': String(NOW), 'webhook-signature': signature }
      for (const key of [secret, publicKey]) {
        const verifier = createVerifier({ secrets: key, clock: clockAt(NOW) })
        expect(await verifier.verify('{}', headers)).toEqual({ id: 'a', timestamp: NOW, keyIndex: 0 })
      }
    })
  },
)
