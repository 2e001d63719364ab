import { createHmac } from 'node:crypto'
import { generateKeyPair, generateSecret } from '@x/signature'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createReceiver, WebhookVerificationError } from '../src/index.ts'
import { signedHeaders } from '../src/testing.ts'
import { payloadOf, request, secret } from './messages.ts'

const receiver = createReceiver({ secrets: secret })
const body = JSON.stringify(payloadOf('File.Create'))
const post = (headers: Record<string, string>, text: string | Uint8Array<ArrayBuffer> = body) =>
  new Request('https://consumer.test/hook', { method: 'POST', headers, body: text })
const statusOf = async (...message: Parameters<typeof post>) =>
  (await receiver.handle(post(...message))).status

/** What a piece of work takes, at its best of three, against the native HMAC of as many bytes. */
async function timeOf(work: () => unknown): Promise<number> {
  const times: number[] = []
  for (let round = 0; round < 3; round++) {
    const start = performance.now()
    await work()
    times.push(performance.now() - start)
  }
  return Math.min(...times)
}

describe('without a signature that fits', () => {
  const huge = Buffer.alloc(10_000_000, 'x')

  it('10 MB are refused before a byte of them is hashed', async () => {
    const headers = signedHeaders({ secret, body })
    const hashing = await timeOf(() => createHmac('sha256', 'key').update(huge).digest())
    const refusing = await timeOf(() =>
      expect(() => receiver.verifySync(huge, headers)).toThrow(/longer than/),
    )
    expect(refusing).toBeLessThan(hashing / 2)
    expect(await statusOf(headers, Uint8Array.from(huge))).toBe(413)
  })

  it('100,000 signatures are refused without looking at them', async () => {
    const one = `v1,${Buffer.alloc(32).toString('base64')}`
    const headers = signedHeaders({ secret, body })
    const many = { ...headers, 'webhook-signature': `${one} `.repeat(100_000) + headers['webhook-signature'] }
    const hashing = await timeOf(() => createHmac('sha256', 'key').update(huge).digest())
    const refusing = await timeOf(() => expect(() => receiver.verifySync(body, many)).toThrow(/longer than/))
    expect(refusing).toBeLessThan(hashing)
    expect((await receiver.receive({ headers: many, body })).status).toBe(401)
  })

  it('JSON that is 200,000 deep is not parsed', async () => {
    const deep = '['.repeat(200_000)
    expect(await statusOf(signedHeaders({ secret: generateSecret(), body: deep }), deep)).toBe(401)
  })

  it('an HMAC made with a public key does not pass for the label v1a, nor for v1', async () => {
    const { publicKey } = generateKeyPair()
    const asSecret = `whsec_${publicKey.slice(5)}`
    const withPublicKey = createReceiver({ secrets: publicKey })
    const headers = signedHeaders({ secret: asSecret, body })
    for (const label of ['v1', 'v1a']) {
      const relabelled = {
        ...headers,
        'webhook-signature': headers['webhook-signature'].replace('v1', label),
      }
      await expect(withPublicKey.verify(body, relabelled)).rejects.toBeInstanceOf(WebhookVerificationError)
    }
  })
})

describe('well signed', () => {
  it.each([
    ['arrays', '['.repeat(200_000) + ']'.repeat(200_000)],
    ['objects', `${'{"a":'.repeat(200_000)}1${'}'.repeat(200_000)}`],
    ['data', `{"type":"a.b","data":${'['.repeat(200_000)}${']'.repeat(200_000)}}`],
    [
      'data with a name of the prototype',
      `{"type":"a.b","__proto__":1,"data":${'['.repeat(200_000)}${']'.repeat(200_000)}}`,
    ],
  ])('%s that are 200,000 deep are answered, and the next message too', async (_, deep) => {
    const large = createReceiver({ secrets: secret, maxBodyBytes: 10_000_000 })
    const response = await large.handle(post(signedHeaders({ secret, body: deep }), deep))
    expect([204, 400]).toContain(response.status)
    expect((await large.handle(request())).status).toBe(204)
  })

  it.each(['__proto__', 'constructor', 'prototype', 'toString'])(
    'a header %s changes nothing',
    async (name) => {
      const headers = { ...signedHeaders({ secret, body }) }
      Object.defineProperty(headers, name, { value: 'webhook-id', enumerable: true })
      await expect(receiver.verify(body, headers)).resolves.toMatchObject({ type: 'File.Create' })
      expect((await receiver.receive({ headers, body })).status).toBe(204)
    },
  )

  it('headers that a proxy wrote in other cases, or split and joined again, are told apart', async () => {
    const signed = Object.entries(signedHeaders({ secret, body }))
    const title = (name: string) => name.replace(/(^|-)[a-z]/g, (start) => start.toUpperCase())
    for (const spell of [title, (name: string) => name.toUpperCase()]) {
      const headers = Object.fromEntries(signed.map(([name, value]) => [spell(name), value]))
      expect((await receiver.receive({ headers, body })).status).toBe(204)
    }
    for (const [name, value] of signed.filter(([name]) => name.startsWith('webhook-'))) {
      const joined = { ...Object.fromEntries(signed), [name]: `${value}, ${value}` }
      expect((await receiver.receive({ headers: joined, body })).status).toBe(401)
    }
  })
})

describe('whatever comes', () => {
  const name = fc.constantFrom(
    'webhook-id',
    'Webhook-Timestamp',
    'webhook-signature',
    'content-type',
    'get',
    '__proto__',
  )
  const headers = fc.oneof(fc.dictionary(name, fc.anything()), fc.anything())

  it('is answered: the receiver never rejects, and never with a success', async () => {
    await fc.assert(
      fc.asyncProperty(headers, fc.anything(), fc.anything(), async (anyHeaders, anyBody, url) => {
        const input = { headers: anyHeaders, body: anyBody, url } as never
        expect((await receiver.receive(input)).status).toBeGreaterThanOrEqual(400)
      }),
    )
  })
})
