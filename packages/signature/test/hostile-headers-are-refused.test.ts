import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type WebhookHeaders, WebhookVerificationError } from '../src/index.ts'
import vectors from '../vectors/refused.json' with { type: 'json' }
import { builds, clockAt } from './builds.ts'

const { secret, now, body } = vectors

type StoredValue = string | number | string[] | { repeat: string; times: number; then: string }

function headersOf(stored: Record<string, StoredValue | undefined>): WebhookHeaders {
  const entries = Object.entries(stored).map(([name, value]) => [
    name,
    typeof value === 'object' && 'repeat' in value ? value.repeat.repeat(value.times) + value.then : value,
  ])
  return Object.fromEntries(entries)
}

const good = {
  'webhook-id': 'msg_p5jXN8AQM9LWM0D4loKWxJek',
  'webhook-timestamp': '1614265330',
  'webhook-signature': 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
}

describe.each(builds)('$build', ({ createVerifier }) => {
  const verifier = createVerifier({ secrets: secret, clock: clockAt(now) })
  const verify = async (headers: WebhookHeaders, rawBody = body) => verifier.verify(rawBody, headers)

  it.each(vectors.cases)('refuses $name', async ({ headers, code }) => {
    await expect(verify(headersOf(headers))).rejects.toMatchObject({ name: 'WebhookVerificationError', code })
  })

  it.each([
    [
      'in any case',
      {
        'Webhook-Id': good['webhook-id'],
        'WEBHOOK-TIMESTAMP': '1614265330',
        'webhook-signature': good['webhook-signature'],
      },
    ],
    ['in lists of one', Object.fromEntries(Object.entries(good).map(([name, value]) => [name, [value]]))],
    ['among others', { ...good, cookie: 'a=b', 'set-cookie': ['a', 'b'], get: 'x' }],
    ['without a prototype', Object.assign(Object.create(null), good)],
    [
      'with another version beside it',
      { ...good, 'webhook-signature': `v2,abc ${good['webhook-signature']}` },
    ],
    [
      'sixteenth of sixteen',
      { ...good, 'webhook-signature': `${'v2,a '.repeat(15)}${good['webhook-signature']}` },
    ],
  ])('accepts headers %s', async (_, headers) => {
    expect(await verify(headers)).toMatchObject({ id: good['webhook-id'] })
  })

  it('refuses a header that is there in two spellings', async () => {
    await expect(verify({ ...good, 'Webhook-Id': good['webhook-id'] })).rejects.toMatchObject({
      code: 'invalid_header',
    })
  })

  it('refuses fetch headers of which one was sent twice', async () => {
    for (const name of Object.keys(good)) {
      const headers = new Headers(good)
      headers.append(name, headers.get(name) ?? '')
      await expect(verify(headers)).rejects.toBeInstanceOf(WebhookVerificationError)
    }
  })

  it('does not look for headers on a prototype', async () => {
    await expect(verify(Object.create(good))).rejects.toMatchObject({ code: 'missing_header' })
  })

  it('survives headers that throw', async () => {
    const thrower = {
      get: () => {
        throw new Error('no')
      },
    }
    await expect(verify(thrower)).rejects.toMatchObject({ code: 'invalid_header' })
  })

  it('refuses whatever else it is given, with no other exception', async () => {
    const names = fc.constantFrom('webhook-id', 'webhook-timestamp', 'webhook-signature', 'get', '__proto__')
    const values = fc.oneof(fc.string(), fc.anything(), fc.constant('v1,'), fc.constant('1614265330'))
    const headers = fc.oneof(fc.anything(), fc.dictionary(names, values))
    await fc.assert(
      fc.asyncProperty(headers, fc.oneof(fc.string(), fc.anything()), async (anyHeaders, anyBody) => {
        const outcome = verify(anyHeaders as WebhookHeaders, anyBody as string)
        await expect(outcome).rejects.toBeInstanceOf(WebhookVerificationError)
      }),
    )
  })
})
