import { describe, expect, it } from 'vitest'
import { pastedMistake, WebhookKeyError } from '../../src/index.ts'
import { builds } from '../builds.ts'

const key = Buffer.from(Array.from({ length: 32 }, (_, index) => 250 - index * 3)).toString('base64')
const secret = `whsec_${key}`
const urlSafe = secret.replaceAll('+', '-').replaceAll('/', '_')

const pasted: [what: string, text: string, said: RegExp][] = [
  ['nothing', '', /is empty.*environment variable/],
  ['spaces', '  \n', /is empty/],
  ['a prefix alone', 'whsec_', /is empty/],
  ['undefined made text', 'undefined', /missing value.*environment variable/],
  ['null made text', 'null', /missing value/],
  ['undefined behind a prefix', 'whsec_undefined', /missing value/],
  ['null behind a prefix', 'whsec_null', /missing value/],
  ['an object made text', '[object Object]', /missing value/],
  ['a label before it', `v1,${secret}`, /label of a signature.*before whsec_/],
  ['a label and a space before it', `v1a, ${secret}`, /label of a signature/],
  ['a signature', `v1,${key}`, /looks like a signature/],
  ['double quotes', `"${secret}"`, /in quotes/],
  ['single quotes', `'${secret}'`, /in quotes/],
  ['backticks', `\`${secret}\``, /in quotes/],
  ['typographic quotes', `\u201c${secret}\u201d`, /in quotes/],
  ['one quote at the end', `${secret}"`, /in quotes/],
  ['a byte order mark', `\ufeff${secret}`, /byte order mark/],
  ['a zero-width space', `${secret}\u200b`, /invisible character/],
  ['a line break after it', `${secret}\n`, /white space or a line break/],
  ['spaces before it', ` ${secret}`, /white space/],
  ['a no-break space', `${secret}\u00a0`, /white space/],
  ['a line break in it', `${secret.slice(0, 20)}\r\n${secret.slice(20)}`, /white space/],
  ['a line break written out', `${secret}\\n`, /white space or a line break/],
  ['its prefix twice', `whsec_${secret}`, /prefix twice/],
  ['base64 for URLs', urlSafe, /base64 for URLs.*\+ for -/],
  ['base64 without padding', secret.replace(/=+$/, ''), /not padded base64/],
  ['a cut key', secret.slice(0, 31), /not padded base64|bytes/],
  ['a token', `Bearer ${secret}`, /Authorization header/],
  ['a line of an .env file', `WEBHOOK_SECRET=${secret}`, /line of name and value/],
  ['an exported line', `export WEBHOOK_SECRET="${secret}"`, /in quotes|line of name and value/],
  ['the name of a variable', '$WEBHOOK_SECRET', /name of a variable/],
  ['a template', '$' + '{{ secrets.WEBHOOK_SECRET }}', /name of a variable/],
  ['a placeholder', '<your secret>', /name of a variable/],
  ['JSON', `{"secret":"${secret}"}`, /JSON/],
  ['two secrets', `${secret} ${secret}`, /several in one text.*list/],
  ['two secrets with a comma', `${secret},${secret}`, /several in one text/],
  ['a masked secret', 'whsec_AbCd**********', /masked/],
  ['a shortened secret', 'whsec_AbCd...', /masked or shortened/],
  ['percent-encoding', encodeURIComponent(secret), /percent-encoded/],
  ['a semicolon', `${secret};`, /comma or semicolon/],
  ['a prefix in capitals', secret.replace('whsec_', 'WHSEC_'), /misspelled prefix/],
  ['a prefix with a hyphen', secret.replace('whsec_', 'whsec-'), /misspelled prefix/],
  ['a URL', 'https://consumer.example/hook', /looks like a URL/],
  ['a PEM file', '-----BEGIN PUBLIC KEY-----\nMCow\n-----END PUBLIC KEY-----', /PEM file/],
  ['base64 alone', key, /begins with none of whsec_/],
  ['a key of something else', 'sk_live_4eC39HqLyjWDarjtT1zdp7dc', /begins with none of whsec_/],
  ['too short a secret', `whsec_${Buffer.alloc(16).toString('base64')}`, /24 to 64 bytes; this one has 16/],
]

describe.each(builds)('$build', ({ createSigner, createVerifier, parseSecret }) => {
  it.each(pasted)('says what it is, when it was given %s', (_what, text, said) => {
    for (const use of [createSigner, (given: string) => createVerifier({ secrets: given }), parseSecret]) {
      expect(() => use(text)).toThrow(WebhookKeyError)
      expect(() => use(text)).toThrow(said)
      // No nine characters of it in a row, if it could be a secret.
      for (let at = 6; text.includes(key.slice(0, 8)) && at + 9 <= text.length; at++) {
        if (/^[A-Za-z0-9+/=]{9}$/.test(text.slice(at, at + 9))) {
          expect(() => use(text)).not.toThrow(text.slice(at, at + 9))
        }
      }
    }
  })

  it('says what else was given instead of a text', () => {
    const use = (secrets: unknown) => () => createVerifier({ secrets: secrets as string })
    expect(use(undefined)).toThrow(/it is undefined.*environment variable/)
    expect(use(null)).toThrow(/it is null/)
    expect(use([undefined])).toThrow(/it is undefined/)
    expect(use(Promise.resolve(secret))).toThrow(/promise.*Await it/)
    expect(use(Buffer.alloc(32))).toThrow(/got bytes/)
    expect(use(12)).toThrow(/got number/)
    expect(use([])).toThrow(/got none/)
  })

  it('says which of several it is', () => {
    const error = expect.objectContaining({
      code: 'invalid_key',
      message: expect.stringMatching(/^Secret 2 of 2: /),
    })
    expect(() => createVerifier({ secrets: [secret, `"${secret}"`] })).toThrow(error)
    expect(() => createSigner([secret, ''])).toThrow(error)
  })

  it('still takes what is a secret', () => {
    for (const length of [24, 25, 26, 32, 64]) {
      const text = `whsec_${Buffer.alloc(length, 251).toString('base64')}`
      expect(parseSecret(text)).toMatchObject({ kind: 'hmac' })
    }
  })
})

it('recognises what is pasted instead of other keys, and nothing in what may be one', () => {
  expect(pastedMistake(`"${key}"`)).toMatch(/in quotes/)
  for (const text of [
    key,
    Buffer.alloc(32, 255).toString('hex'),
    Buffer.alloc(32, 251).toString('base64url'),
  ]) {
    expect(pastedMistake(text)).toBeUndefined()
  }
})
