import { generateSecret as newSecret } from '@x/signature'
import { Webhook as SvixWebhook } from 'svix'
import { describe, expect, it } from 'vitest'
import { Webhook, WebhookVerificationError } from '../src/index.ts'

// What the public tests of `standardwebhooks` and `svix` show of their class, told anew.
const secret = 'MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'
const payload = '{"test": 2432232314}'
const nowSeconds = () => Math.floor(Date.now() / 1000)

function messageOf(timestamp = nowSeconds(), family = 'webhook') {
  const id = 'msg_p5jXN8AQM9LWM0D4loKWxJek'
  const signature = new Webhook(secret).sign(id, new Date(timestamp * 1000), payload)
  return {
    [`${family}-id`]: id,
    [`${family}-timestamp`]: String(timestamp),
    [`${family}-signature`]: signature,
  } as Record<string, string>
}

const verify = (headers: Record<string, string>, body = payload) => new Webhook(secret).verify(body, headers)

describe.each(['webhook', 'svix'])('headers that begin with %s-', (family) => {
  const signature = `${family}-signature`
  const signed = () => messageOf(nowSeconds(), family)

  it('verify, with a secret with and without its prefix', () => {
    expect(verify(signed())).toEqual({ test: 2432232314 })
    expect(new Webhook(`whsec_${secret}`).verify(payload, signed())).toEqual({ test: 2432232314 })
    expect(new Webhook(secret).verify(payload, new Headers(signed()))).toEqual({ test: 2432232314 })
    expect(new Webhook(secret).verify(Buffer.from(payload), signed())).toEqual({ test: 2432232314 })
  })

  it.each(['id', 'timestamp', 'signature'])('have to be there: %s', (part) => {
    const { [`${family}-${part}`]: _, ...others } = signed()
    expect(() => verify(others)).toThrow(WebhookVerificationError)
  })

  it.each([
    ['of something else', 'v1,g0hM9SsE+OTPJTGt/dawfeoifkpqwoekfpqoekf000='],
    ['in part', 'v1,'],
    ['cut off', 'v1'],
    ['nothing', ''],
    ['without its label', 'g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE='],
  ])('do not verify with a signature %s', (_, value) => {
    expect(() => verify({ ...signed(), [signature]: value })).toThrow(WebhookVerificationError)
  })

  it('do not verify with another message', () => {
    expect(() => verify(signed(), '{"test": 2432232315}')).toThrow(WebhookVerificationError)
    expect(() => verify({ ...signed(), [`${family}-id`]: 'msg_other' })).toThrow(WebhookVerificationError)
  })

  it.each([
    ['old', -301],
    ['new', 301],
  ])('do not verify when they are too %s', (_, seconds) => {
    expect(() => verify(messageOf(nowSeconds() + seconds, family))).toThrow(/signed \d+ s/)
  })

  it('do not verify with a timestamp that is no number', () => {
    expect(() => verify({ ...signed(), [`${family}-timestamp`]: 'hello' })).toThrow(WebhookVerificationError)
  })

  it('verify when one of several signatures fits', () => {
    const other = 'Ceo5qEr07ixe2NLpvHk3FH9bwy/WavXrAFQ/9tdO6mc='
    const several = `v1,${other} v2,${other} ${signed()[signature]} v1,${other}`
    expect(verify({ ...signed(), [signature]: several })).toEqual({ test: 2432232314 })
  })

  it('verify in any case', () => {
    const shouted = Object.entries(signed()).map(([name, value]) => [name.toUpperCase(), value])
    expect(verify(Object.fromEntries(shouted))).toEqual({ test: 2432232314 })
  })
})

it('signs the message that is known everywhere', () => {
  const webhook = new Webhook(`whsec_${secret}`)
  const signature = webhook.sign('msg_p5jXN8AQM9LWM0D4loKWxJek', new Date(1_614_265_330_000), payload)
  expect(signature).toBe('v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=')
})

it('takes a secret as the key itself', () => {
  const raw = Buffer.from(secret, 'base64')
  const asText = raw.toString('latin1')
  const headers = messageOf()
  expect(new Webhook(raw, { format: 'raw' }).verify(payload, headers)).toEqual({ test: 2432232314 })
  expect(new Webhook(asText, { format: 'raw' }).verify(payload, headers)).toEqual({ test: 2432232314 })
})

it('reads what svix reads, of either family, and not of a mixture', () => {
  const svix = new SvixWebhook(secret)
  for (const family of ['webhook', 'svix']) {
    const headers = messageOf(nowSeconds(), family)
    expect(() => svix.verify(payload, headers)).not.toThrow()
    expect(() => verify(headers)).not.toThrow()
  }
  const { 'webhook-id': id = '', ...others } = messageOf()
  expect(() => verify({ ...others, 'svix-id': id })).toThrow(WebhookVerificationError)
  // As with svix, that family comes first where both are there.
  const both = { ...messageOf(), ...messageOf(nowSeconds(), 'svix') }
  expect(() => verify({ ...both, 'webhook-signature': 'v1,x' })).not.toThrow()
  expect(() => verify({ ...both, 'svix-signature': 'v1,x' })).toThrow(WebhookVerificationError)
})

it('refuses a header of that family that is there twice', () => {
  const headers = messageOf(nowSeconds(), 'svix')
  expect(() => verify({ ...headers, 'Svix-Id': 'msg_other' })).toThrow(/one string/)
  const twice = new Headers(headers)
  twice.append('svix-id', 'msg_other')
  expect(() => new Webhook(secret).verify(payload, twice)).toThrow(WebhookVerificationError)
})

it.each([undefined, null, 1, 'text', [], () => {}])('refuses headers that are none: %s', (headers) => {
  expect(() => new Webhook(newSecret()).verify(payload, headers as never)).toThrow(WebhookVerificationError)
})
