import fc from 'fast-check'
import { Webhook as StandardWebhook } from 'standardwebhooks'
import { Webhook as SvixWebhook } from 'svix'
import { describe, expect, it } from 'vitest'
import { generateSecret, Webhook, WebhookKeyError } from '../src/index.ts'

const models = [
  { model: 'standardwebhooks', Model: StandardWebhook },
  { model: 'svix', Model: SvixWebhook },
]
const secret = generateSecret()
const headersOf = (id: string, at: Date, signature: string) => ({
  'webhook-id': id,
  'webhook-timestamp': String(Math.floor(at.getTime() / 1000)),
  'webhook-signature': signature,
})
const id = fc.stringMatching(/^[!-\-/-~]{1,60}$/)

describe.each(models)('beside $model', ({ Model }) => {
  it('signs the same', () => {
    fc.assert(
      fc.property(id, fc.json(), (messageId, text) => {
        const at = new Date()
        const signature = new Webhook(secret).sign(messageId, at, text)
        expect(signature).toBe(new Model(secret).sign(messageId, at, text))
        const headers = headersOf(messageId, at, signature)
        expect(() => new Model(secret).verify(text, headers)).not.toThrow()
        // But for a member of this name, which would set a prototype later.
        const expected = JSON.parse(text, (key, value) => (key === '__proto__' ? undefined : value))
        expect(new Webhook(secret).verify(text, headers)).toEqual(expected)
      }),
    )
  })

  it.each([
    ['with its prefix', secret, {}],
    ['without', secret.slice(6), {}],
    ['as bytes', Uint8Array.from(Buffer.from(secret.slice(6), 'base64')), { format: 'raw' }],
    ['as characters', 'a raw secret of enough characters', { format: 'raw' }],
  ] as const)('takes a secret %s', (_, given, options) => {
    const at = new Date()
    const signature = new Model(given, options).sign('msg_1', at, '{"a":1}')
    expect(new Webhook(given, options).sign('msg_1', at, '{"a":1}')).toBe(signature)
    expect(new Webhook(given, options).verify('{"a":1}', headersOf('msg_1', at, signature))).toEqual({ a: 1 })
  })
})

describe('the class', () => {
  const webhook = new Webhook(secret)
  const at = new Date()
  const signed = (body: string) => headersOf('msg_1', at, webhook.sign('msg_1', at, body))

  it('throws a WebhookVerificationError for whatever is wrong with a message', () => {
    const headers = signed('{}')
    const named = expect.objectContaining({ name: 'WebhookVerificationError' })
    expect(() => webhook.verify('{ }', headers)).toThrow(named)
    expect(() => webhook.verify('{}', {})).toThrow(named)
    expect(() => webhook.verify('{}', { ...headers, 'webhook-timestamp': '1' })).toThrow(named)
    expect(() => webhook.verify('no json', signed('no json'))).toThrow(named)
    expect(() => webhook.verify({} as string, headers)).toThrow(named)
  })

  it('gives undefined for an empty body, and when it is not to parse', () => {
    expect(webhook.verify('', signed(''))).toBeUndefined()
    expect(webhook.verify('no json', signed('no json'), { jsonParse: false })).toBeUndefined()
  })

  it.each(['', 'whsec_', 'AAAA', 'whpk_AAAA', 'whxx_AAAA'])('refuses the secret %j', (bad) => {
    expect(() => new Webhook(bad)).toThrow(WebhookKeyError)
    expect(() => new Webhook(bad, { format: 'raw' })).toThrow(WebhookKeyError)
  })

  it('refuses bytes where it was not told that they are the key itself', () => {
    expect(() => new Webhook(new Uint8Array(32))).toThrow(/must be a string/)
  })
})
