import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { generateKeyPair } from '@x/signature'
import { describe, expect, it, vi } from 'vitest'
import { createReceiver, generateSecret, type JwksOptions, jwks } from '../../src/index.ts'
import { fakeClock, signedRequest } from '../../src/testing.ts'
import { payloadOf } from '../messages.ts'

const URL_OF_KEYS = 'https://host.example/.well-known/webhook-keys/ep_1'

const jwkOf = (publicKey: string) => ({
  kty: 'OKP',
  crv: 'Ed25519',
  x: Buffer.from(publicKey.slice('whpk_'.length), 'base64').toString('base64url'),
  use: 'sig',
})

type Answer = () => Response | Promise<Response>

function host(options: JwksOptions = {}) {
  const pairs = [generateKeyPair()]
  const document = (): Response =>
    Response.json({ keys: pairs.map(({ publicKey }) => jwkOf(publicKey)) }, { headers: state.headers })
  const state = { answer: document as Answer, headers: {} as Record<string, string> }
  const fetched = vi.fn(async (_url: string, _init: RequestInit) => state.answer())
  const clock = fakeClock()
  const receiver = createReceiver({
    publicKeys: jwks(URL_OF_KEYS, { clock, fetch: fetched, ...options }),
    clock,
  })
  const errors: { code?: string; message?: string }[] = []
  receiver.onError((error) => errors.push(Object(error)))
  const send = async (pair = pairs.at(-1)) => {
    const timestamp = new Date(clock.now())
    const secret = pair?.privateKey ?? ''
    return (await receiver.handle(signedRequest({ secret, timestamp, body: payloadOf('File.Create') })))
      .status
  }
  return { pairs, state, fetched, clock, receiver, errors, send, document }
}

describe('jwks', () => {
  it('fetches the document once, and follows no redirect', async () => {
    const { fetched, send } = host()
    expect([await send(), await send()]).toEqual([204, 204])
    expect(fetched.mock.calls).toEqual([[URL_OF_KEYS, expect.objectContaining({ redirect: 'error' })]])
  })

  it('fetches it once for many at a time', async () => {
    const { fetched, send } = host()
    expect(await Promise.all([send(), send(), send()])).toEqual([204, 204, 204])
    expect(fetched).toHaveBeenCalledTimes(1)
  })

  it('fetches it again for a key that it does not know, and believes the new one', async () => {
    const { pairs, fetched, send, clock } = host()
    expect(await send()).toBe(204)
    clock.advance(30_000)
    pairs.push(generateKeyPair())
    expect([await send(), await send(pairs[0])]).toEqual([204, 204])
    expect(fetched).toHaveBeenCalledTimes(2)
  })

  it('has no forger make it fetch without end', async () => {
    const { pairs, fetched, send, clock, errors } = host()
    expect(await send()).toBe(204)
    clock.advance(30_000)
    const forger = generateKeyPair()
    for (let index = 0; index < 20; index++) expect(await send(forger)).toBe(401)
    expect(fetched).toHaveBeenCalledTimes(2)
    expect(errors[0]).toMatchObject({ code: 'no_matching_signature' })
    // The next sees what was published meanwhile, once the time is over.
    pairs.push(generateKeyPair())
    expect(await send()).toBe(401)
    clock.advance(30_000)
    expect(await send()).toBe(204)
  })

  it('believes a withdrawn key no longer than the document says', async () => {
    const { pairs, state, send, clock } = host()
    state.headers = { 'cache-control': 'public, max-age=120' }
    const [withdrawn] = pairs
    expect(await send()).toBe(204)
    pairs.splice(0, 1, generateKeyPair())
    clock.advance(119_000)
    expect(await send(withdrawn)).toBe(204)
    clock.advance(1_000)
    expect([await send(withdrawn), await send()]).toEqual([401, 204])
  })

  it('goes on with the keys it has while the document cannot be had, for an hour', async () => {
    const { state, send, clock, errors, document } = host()
    expect(await send()).toBe(204)
    state.answer = () => new Response('', { status: 503 })
    clock.advance(3_000_000)
    expect(await send()).toBe(204)
    clock.advance(900_000)
    expect(await send()).toBe(500)
    expect(errors).toMatchObject([{ code: 'secrets_unavailable', message: expect.stringContaining('503') }])
    state.answer = document
    clock.advance(5_000)
    expect(await send()).toBe(204)
  })

  it('says for a while that it could not be had, without asking again', async () => {
    const { state, fetched, send, clock, document } = host()
    state.answer = () => Promise.reject(new TypeError('fetch failed'))
    expect([await send(), await send()]).toEqual([500, 500])
    expect(fetched).toHaveBeenCalledTimes(1)
    state.answer = document
    clock.advance(5_000)
    expect(await send()).toBe(204)
  })

  it.each([
    ['no JSON', () => new Response('<html>')],
    ['no list', () => Response.json({})],
    ['too much', () => new Response(`{"keys":[],"x":"${'x'.repeat(70_000)}"}`)],
    ['a redirect', () => new Response('', { status: 302, headers: { location: 'https://evil.test/' } })],
  ])('takes %s for no document', async (_what, answer) => {
    const { state, send } = host()
    state.answer = answer
    expect(await send()).toBe(500)
  })

  it.each([
    ['of another kind', { kty: 'RSA' }],
    ['of another curve', { crv: 'X25519' }],
    ['for encryption', { use: 'enc' }],
    ['for another algorithm', { alg: 'ES256' }],
    ['whose private half is there', { d: 'A'.repeat(43) }],
    ['of small order', { x: Buffer.concat([Buffer.of(1), Buffer.alloc(31)]).toString('base64url') }],
    ['that is cut off', { x: 'AAAA' }],
    ['that is none', null],
  ])('leaves out a key %s', async (_what, change) => {
    const { pairs, state, send, clock } = host()
    const jwk = jwkOf(pairs[0]?.publicKey ?? '')
    state.answer = () => Response.json({ keys: [change && { ...jwk, ...change }] })
    expect(await send()).toBe(401)
    state.answer = () => Response.json({ keys: [change && { ...jwk, ...change }, jwk] })
    clock.advance(30_000)
    expect(await send()).toBe(204)
  })

  it('takes no shared secret from it', async () => {
    const secret = generateSecret()
    const k = Buffer.from(secret.slice('whsec_'.length), 'base64').toString('base64url')
    const { state, receiver } = host()
    state.answer = () => Response.json({ keys: [{ kty: 'oct', k, alg: 'HS256' }] })
    expect((await receiver.handle(signedRequest({ secret, body: payloadOf('File.Create') }))).status).toBe(
      401,
    )
  })

  it.each(['http://host.example/keys', 'file:///keys', 'keys', ''])('refuses the url %j', (url) => {
    expect(() => jwks(url)).toThrow('https://')
  })

  it.each(['maxAgeSeconds', 'staleSeconds', 'cooldownSeconds'])('names %s where it is wrong', (name) => {
    expect(() => jwks(URL_OF_KEYS, { [name]: Number.NaN })).toThrow(`options.${name}`)
  })

  it('takes what is no source, or secrets beside one, for a mistake', () => {
    expect(() => createReceiver({ publicKeys: URL_OF_KEYS as never })).toThrow('options.publicKeys')
    const both = { publicKeys: jwks(URL_OF_KEYS), secrets: 'whpk_' } as never
    expect(() => createReceiver(both)).toThrow('options.secrets')
  })

  it('fetches over the network, where it may over http', async () => {
    const pair = generateKeyPair()
    const server = createServer((_request, response) => {
      response.end(JSON.stringify({ keys: [jwkOf(pair.publicKey)] }))
    }).listen(0, '127.0.0.1')
    await new Promise((resolve) => server.once('listening', resolve))
    const { port } = server.address() as AddressInfo
    const publicKeys = jwks(`http://127.0.0.1:${port}/keys`, { allowHttp: true })
    const receiver = createReceiver({ publicKeys })
    const request = signedRequest({ secret: pair.privateKey, body: payloadOf('File.Create') })
    expect((await receiver.handle(request)).status).toBe(204)
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  })
})
