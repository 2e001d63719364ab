import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodeBase64, encodeBase64 } from '../src/base64.ts'
import { type WebhookKey, WebhookKeyError } from '../src/index.ts'
import { builds, ed25519Builds } from './builds.ts'

const base64 = (length: number, value = 7) => Buffer.alloc(length, value).toString('base64')
const pair = await builds[1].generateKeyPair()

describe.each(builds)(
  '$build',
  ({ createSigner, createVerifier, parseSecret, formatKey, generateSecret, hmacKey }) => {
    it.each([
      ['an empty string', ''],
      ['a prefix alone', 'whsec_'],
      ['too short a secret', `whsec_${base64(23)}`],
      ['too long a secret', `whsec_${base64(65)}`],
      ['no prefix', base64(32)],
      ['another prefix', `whxx_${base64(32)}`],
      ['white space after it', `whsec_${base64(24)}\n`],
      ['white space before it', ` whsec_${base64(24)}`],
      ['quotes around it', `"whsec_${base64(24)}"`],
      ['base64 without its padding', `whsec_${base64(32).replaceAll('=', '')}`],
      ['url-safe base64', `whsec_${'-_'.repeat(16)}`],
      ['left-over bits', `whsec_${base64(32).slice(0, -2)}x=`],
      ['hexadecimal of an odd length', `whsec_${'a'.repeat(63)}`],
      ['a public key of 31 bytes', `whpk_${base64(31)}`],
      ['undefined', undefined as unknown as string],
      ['a buffer', Buffer.alloc(32) as unknown as string],
    ])('refuses %s, without telling what it is', (_, secret) => {
      for (const use of [createSigner, (key: string) => createVerifier({ secrets: key }), parseSecret]) {
        expect(() => use(secret)).toThrow(WebhookKeyError)
        expect(() => use(secret)).toThrow(expect.objectContaining({ code: 'invalid_key' }))
        if (secret?.length > 10) expect(() => use(secret)).not.toThrow(secret.slice(8, -2))
      }
    })

    it('refuses a private key without its public half', () => {
      const half = `whsk_${base64(32)}`
      for (const use of [createSigner, parseSecret]) expect(() => use(half)).toThrow(/must have 64/)
    })

    it('refuses an empty list of secrets', () => {
      expect(() => createSigner([])).toThrow(WebhookKeyError)
      // A list whose last member was never set.
      const sparse = [generateSecret()]
      sparse.length++
      expect(() => createSigner(sparse)).toThrow('Secret 2 of 2: There is no secret')
      expect(() => createVerifier({ secrets: [] })).toThrow(WebhookKeyError)
    })

    it('binds a key to its use', () => {
      expect(() => createSigner(pair.publicKey)).toThrow(expect.objectContaining({ code: 'wrong_key_kind' }))
      expect(() => createVerifier({ secrets: pair.privateKey })).toThrow(
        expect.objectContaining({ code: 'wrong_key_kind' }),
      )
    })

    it('writes a key as it reads it', () => {
      for (const text of [generateSecret(), pair.privateKey, pair.publicKey]) {
        expect(formatKey(parseSecret(text) satisfies WebhookKey)).toBe(text)
      }
    })

    it('generates secrets of the length asked for, never the same', () => {
      expect(hmacKey(new Uint8Array(24)).secret).toHaveLength(24)
      expect(parseSecret(generateSecret())).toMatchObject({ kind: 'hmac' })
      expect(new Set(Array.from({ length: 100 }, () => generateSecret())).size).toBe(100)
      for (const length of [0, 23, 65, Number.NaN, -1, 1e9]) {
        expect(() => generateSecret(length)).toThrow(WebhookKeyError)
      }
    })

    it.each([
      Number.NaN,
      -1,
      Number.POSITIVE_INFINITY,
      '300' as unknown as number,
      null as unknown as number,
    ])('refuses a tolerance of %s', (toleranceSeconds) => {
      const create = () => createVerifier({ secrets: generateSecret(), toleranceSeconds })
      expect(create).toThrow(expect.objectContaining({ code: 'invalid_argument' }))
    })
  },
)

describe.each(ed25519Builds)('$build', ({ createSigner, generateKeyPair, publicKeyOf }) => {
  it('knows the public half of a private key', async () => {
    const { privateKey, publicKey } = await generateKeyPair()
    expect(publicKeyOf(privateKey)).toBe(publicKey)
    expect(() => publicKeyOf(publicKey)).toThrow(WebhookKeyError)
  })

  it('refuses a private key whose halves do not belong together', async () => {
    const [one, other] = [await generateKeyPair(), await generateKeyPair()]
    const seed = Buffer.from(one.privateKey.slice(5), 'base64').subarray(0, 32)
    const stranger = Buffer.from(other.publicKey.slice(5), 'base64')
    const mixed = `whsk_${Buffer.concat([seed, stranger]).toString('base64')}`
    const sign = async () => createSigner(mixed).sign({ id: 'a', timestamp: 1, body: '' })
    await expect(sign()).rejects.toMatchObject({ code: 'invalid_key' })
  })
})

it('says where only shared secrets can be used', () => {
  expect(() => builds[2].createSigner(pair.privateKey)).toThrow(/asynchronously only/)
  expect(() => builds[2].createVerifier({ secrets: pair.publicKey })).toThrow(/asynchronously only/)
})

it('decodes base64 exactly where its one spelling is given', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 70 }), (bytes) => {
      const text = Buffer.from(bytes).toString('base64')
      expect(encodeBase64(bytes)).toBe(text)
      expect(decodeBase64(text)).toEqual(bytes)
    }),
  )
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.stringMatching(/^[A-Za-z0-9+/=]{0,12}$/)), (text) => {
      const decoded = decodeBase64(text)
      expect(decoded !== undefined).toBe(Buffer.from(text, 'base64').toString('base64') === text)
    }),
  )
})
