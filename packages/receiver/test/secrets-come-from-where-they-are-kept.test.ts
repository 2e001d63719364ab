import { describe, expect, it } from 'vitest'
import { createReceiver, generateSecret, WebhookKeyError } from '../src/index.ts'
import { signedHeaders, signedRequest } from '../src/testing.ts'
import { payloadOf, request, secret } from './messages.ts'

const body = JSON.stringify(payloadOf('File.Create'))

describe('secrets', () => {
  it('may be several, while they are rotated', async () => {
    const [older, newer] = [generateSecret(), generateSecret()]
    const receiver = createReceiver({ secrets: [newer, older] })
    for (const signedWith of [older, newer, [newer, older]]) {
      expect((await receiver.handle(request({ secret: signedWith }))).status).toBe(204)
    }
    expect((await receiver.handle(request({ secret: generateSecret() }))).status).toBe(401)
  })

  it('may be looked up for every message, at once or not', async () => {
    let current: string | string[] = secret
    const atOnce = createReceiver({ secrets: () => current })
    const later = createReceiver({ secrets: async () => current })
    const statuses = async () => [
      (await atOnce.handle(request())).status,
      (await later.handle(request())).status,
      (await later.handle(request())).status,
    ]
    expect(await statuses()).toEqual([204, 204, 204])
    current = [generateSecret()]
    expect(await statuses()).toEqual([401, 401, 401])
    current = [generateSecret(), secret]
    expect(await statuses()).toEqual([204, 204, 204])
  })

  it.each([
    [
      'throws',
      () => {
        throw new Error('vault is down')
      },
    ],
    ['rejects', () => Promise.reject(new Error('vault is down'))],
    ['gives undefined', () => undefined as unknown as string],
    ['gives an unusable one', () => 'whsec_'],
  ])("are our fault and not the sender's when their source %s", async (_, secrets) => {
    const receiver = createReceiver({ secrets })
    const errors: unknown[] = []
    receiver.onError((error) => errors.push(error))
    const response = await receiver.handle(request())
    expect(response.status).toBe(500)
    expect(await response.json()).toMatchObject({ code: 'internal_error' })
    expect(errors).toMatchObject([{ code: 'secrets_unavailable', cause: expect.any(Error) }])
  })

  it('may depend on the tenant that the URL or a header names', async () => {
    const tenants: Record<string, string> = { one: generateSecret(), two: generateSecret() }
    const receiver = createReceiver({
      secrets: async ({ url = '', headers }) =>
        tenants[headers.get('x-tenant') ?? new URL(url, 'http://host').pathname.slice(1)] ?? [],
    })
    const errors: unknown[] = []
    receiver.onError((error) => errors.push(error))
    const statusAt = async (tenant: string, signedWith = tenants[tenant] ?? secret) => {
      const signed = signedRequest({ secret: signedWith, body }, `https://consumer.test/${tenant}`)
      return (await receiver.handle(signed)).status
    }
    expect([await statusAt('one'), await statusAt('two')]).toEqual([204, 204])
    expect(await statusAt('two', tenants['one'])).toBe(401)
    // Nobody may sign for a tenant that is not there.
    expect(await statusAt('three')).toBe(401)
    expect(errors).toMatchObject([{ code: 'no_matching_signature' }, { code: 'no_matching_signature' }])

    const headers = signedHeaders({ secret: tenants['two'] ?? '', body })
    expect(await receiver.verify(body, { ...headers, 'x-tenant': 'two' })).toMatchObject({
      id: expect.any(String),
    })
    expect(await receiver.verify(body, headers, { url: '/two' })).toMatchObject({ id: expect.any(String) })
    await expect(receiver.verify(body, headers, { url: '/one' })).rejects.toMatchObject({
      code: 'no_matching_signature',
    })
  })

  it('of very many tenants are prepared again when their turn comes', async () => {
    const receiver = createReceiver({ secrets: ({ headers }) => `whsec_${headers.get('x-key')}` })
    const statusFor = async (n: number) => {
      const key = Buffer.alloc(24, `tenant ${n}`).toString('base64')
      const signed = signedRequest({ secret: `whsec_${key}`, body })
      signed.headers.set('x-key', key)
      return (await receiver.handle(signed)).status
    }
    for (let n = 0; n < 1_100; n++) expect(await statusFor(n)).toBe(204)
    expect([await statusFor(0), await statusFor(1_099)]).toEqual([204, 204])
  })

  it('that cannot be used stop the start', () => {
    for (const secrets of ['', 'whsec_', [], [secret, 'whsec_AAAA'], undefined as unknown as string]) {
      expect(() => createReceiver({ secrets })).toThrow(WebhookKeyError)
    }
  })

  it('that come in a promise cannot be used without waiting', () => {
    const headers = signedHeaders({ secret, body })
    expect(createReceiver({ secrets: () => secret }).verifySync(body, headers)).toMatchObject({
      type: 'File.Create',
    })
    const later = createReceiver({ secrets: async () => secret })
    expect(() => later.verifySync(body, headers)).toThrow(
      expect.objectContaining({ code: 'sync_unavailable' }),
    )
  })
})

describe('other options', () => {
  it.each([
    { toleranceSeconds: Number.NaN },
    { toleranceSeconds: -1 },
    { toleranceSeconds: '300' as unknown as number },
    { maxBodyBytes: 0 },
    { maxBodyBytes: 1.5 },
    { maxBodyBytes: Number.POSITIVE_INFINITY },
    { replayStore: {} as never },
    { handlerTimeoutMs: 0 },
    { handlerTimeoutMs: 1.5 },
  ])('are checked at the start: %j', (options) => {
    const [name = ''] = Object.keys(options)
    expect(() => createReceiver({ secrets: secret, ...options })).toThrow(
      `createReceiver: options.${name} must be`,
    )
  })

  it('are needed', () => {
    expect(() => createReceiver(undefined as never)).toThrow('options must be a plain object')
  })

  it('decide how old a message may be', async () => {
    const clock = { now: () => Date.now() + 3_600_000, schedule: () => () => {} }
    const statusFor = async (toleranceSeconds: number) =>
      (await createReceiver({ secrets: secret, clock, toleranceSeconds }).handle(request())).status
    expect([await statusFor(3590), await statusFor(3610)]).toEqual([401, 204])
  })
})
