// The library below wants it.
import 'reflect-metadata'
import { sign, webcrypto, X509Certificate } from 'node:crypto'
import { crc32 as zlibCrc32 } from 'node:zlib'
import * as x509 from '@peculiar/x509'
import fc from 'fast-check'
import { describe, expect, it, vi } from 'vitest'
import { createReceiver } from '../../src/index.ts'
import { readCertificate } from '../../src/schemes/certificate.ts'
import { crc32 } from '../../src/schemes/crc32.ts'
import { type PayPalOptions, paypal } from '../../src/schemes.ts'
import { fakeClock } from '../../src/testing.ts'
import { NOW } from './senders.ts'

x509.cryptoProvider.set(webcrypto as never)

const RSA = {
  name: 'RSASSA-PKCS1-v1_5',
  hash: 'SHA-256',
  modulusLength: 2048,
  publicExponent: new Uint8Array([1, 0, 1]),
} as const

async function certificate(notAfter = NOW + 86_400_000) {
  const keys = await webcrypto.subtle.generateKey(RSA, true, ['sign', 'verify'])
  const self = await x509.X509CertificateGenerator.createSelfSigned({
    name: 'CN=messageverificationcerts.paypal.com, O="PayPal, Inc."',
    keys,
    signingAlgorithm: RSA,
    notBefore: new Date(NOW - 86_400_000),
    notAfter: new Date(notAfter),
  })
  const key = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey))
  return { pem: self.toString('pem'), key }
}

const { pem, key } = await certificate()
const { key: otherKey } = await certificate()
const CERT_URL = 'https://api.paypal.com/v1/notifications/certs/CERT-360caa42-fca2a594-a5cafa77'
const webhookId = '9XL90610J3647323C'
const body = JSON.stringify({
  id: 'WH-9UG43882HX7271132-6E0871324L7949614',
  create_time: '2016-09-21T22:00:45Z',
  event_type: 'PAYMENT.SALE.COMPLETED',
})

function headersOf(text: string, signingKey = key, id = webhookId): Record<string, string> {
  const [transmission, time] = ['d938e770-8046-11e6-8103-6b62a8a99ac4', '2026-11-24T08:00:00Z']
  const content = Buffer.from(`${transmission}|${time}|${id}|${zlibCrc32(text)}`)
  const signature = sign('sha256', content, { key: signingKey, format: 'der', type: 'pkcs8' })
  return {
    'content-type': 'application/json',
    'paypal-transmission-id': transmission,
    'paypal-transmission-time': time,
    'paypal-auth-algo': 'SHA256withRSA',
    'paypal-cert-url': CERT_URL,
    'paypal-transmission-sig': signature.toString('base64'),
  }
}

function receive(options: Partial<PayPalOptions> = {}) {
  const fetched = vi.fn(async (_url: string, _init: RequestInit) => new Response(pem))
  const scheme = paypal({ webhookId, fetch: fetched, ...options })
  const clock = fakeClock(NOW)
  const receiver = createReceiver({ scheme, clock })
  const events: unknown[] = []
  receiver.on('PAYMENT.*', (event) => events.push(event))
  const send = async (headers: Record<string, string> = headersOf(body), text = body) => {
    const request = new Request('https://consumer.test/', { method: 'POST', headers, body: text })
    return (await receiver.handle(request)).status
  }
  return { fetched, events, send, clock }
}

describe("PayPal, against PayPal's page on webhooks, computed with node:crypto and node:zlib", () => {
  it('is believed, and its certificate fetched once', async () => {
    const { fetched, events, send } = receive()
    expect([await send(), await send()]).toEqual([200, 200])
    expect(events).toMatchObject([
      { id: 'WH-9UG43882HX7271132-6E0871324L7949614', timestamp: '2016-09-21T22:00:45Z' },
      {},
    ])
    expect(fetched.mock.calls).toEqual([[CERT_URL, expect.objectContaining({ redirect: 'error' })]])
  })

  it.each([
    ['another body', headersOf(body), `${body} `],
    ['another key', headersOf(body, otherKey), body],
    ["another webhook's id", headersOf(body, key, 'OTHER'), body],
    ['another algorithm', { ...headersOf(body), 'paypal-auth-algo': 'NONEwithRSA' }, body],
    ['a signature that is none', { ...headersOf(body), 'paypal-transmission-sig': '!' }, body],
    ['an empty signature', { ...headersOf(body), 'paypal-transmission-sig': '' }, body],
  ])('is not believed with %s', async (_what, headers, text) => {
    const { events, send } = receive()
    expect([await send(headers, text), events]).toEqual([401, []])
  })

  it.each([
    'https://evil.test/v1/notifications/certs/CERT-1',
    'http://api.paypal.com/v1/notifications/certs/CERT-1',
    'https://api.paypal.com.evil.test/v1/notifications/certs/CERT-1',
    'https://evilapi.paypal.com/v1/notifications/certs/CERT-1',
    'https://x.api.paypal.com/v1/notifications/certs/CERT-1',
    'https://api.paypal.com@evil.test/v1/notifications/certs/CERT-1',
    'https://user:word@api.paypal.com/v1/notifications/certs/CERT-1',
    'https://api.paypal.com:8443/v1/notifications/certs/CERT-1',
    'https://api.paypal.com/v1/notifications/certs/../../redirect',
    'https://api.paypal.com/v1/notifications/certs/CERT-1%2f..',
    'https://api.sandbox.paypal.com/v1/notifications/certs/CERT-1',
    'file:///v1/notifications/certs/CERT-1',
    'nonsense',
  ])('fetches no certificate from %s', async (url) => {
    const { fetched, send } = receive()
    expect(await send({ ...headersOf(body), 'paypal-cert-url': url })).toBe(401)
    expect(fetched).not.toHaveBeenCalled()
  })

  it('believes the sandbox where it is told to', async () => {
    const url = 'https://api.sandbox.paypal.com/v1/notifications/certs/CERT-1'
    const { send } = receive({ environment: 'sandbox' })
    expect(await send({ ...headersOf(body), 'paypal-cert-url': url })).toBe(200)
    expect(await send()).toBe(401)
  })

  it('believes no certificate beyond its time', async () => {
    const { send, clock } = receive()
    expect(await send()).toBe(200)
    clock.advance(86_401_000)
    expect(await send()).toBe(401)
  })

  it.each([
    ['cannot be asked', async () => Promise.reject(new TypeError('fetch failed')), 500],
    ['has trouble', async () => new Response('', { status: 503 }), 500],
    ['knows none', async () => new Response('', { status: 404 }), 401],
    ['sends something else', async () => new Response('<html>'), 401],
    ['sends too much', async () => new Response('x'.repeat(70_000)), 413],
  ])('asks again later where PayPal %s', async (_what, answer, status) => {
    let calls = 0
    const { send } = receive({ fetch: async () => (++calls === 1 ? answer() : new Response(pem)) })
    expect([await send(), await send()]).toEqual([status, 200])
  })

  it('has no forger make it fetch without end', async () => {
    const { fetched, send, clock } = receive()
    for (let index = 0; index < 30; index++) {
      await send({ ...headersOf(body), 'paypal-cert-url': `${CERT_URL}-${index}` })
    }
    expect(fetched).toHaveBeenCalledTimes(10)
    expect(await send()).toBe(500)
    clock.advance(60_000)
    expect(await send()).toBe(200)
  })

  it('names the option that is wrong', () => {
    expect(() => paypal({ webhookId: '' })).toThrow('options.webhookId')
    expect(() => paypal({ webhookId: new Array<string>(1) })).toThrow('options.webhookId')
    expect(() => paypal({ webhookId, environment: 'test' as never })).toThrow('options.environment')
  })
})

it("finds the key and times that node's X509Certificate finds", () => {
  const own = readCertificate(pem)
  const { publicKey, validFrom, validTo } = new X509Certificate(pem)
  expect(Buffer.from(own.publicKey)).toEqual(publicKey.export({ format: 'der', type: 'spki' }))
  expect([own.notBefore, own.notAfter]).toEqual([Date.parse(validFrom), Date.parse(validTo)])
})

it('survives every damage to a certificate', () => {
  const der = Buffer.from(pem.replaceAll(/-----[^-]+-----|\s/g, ''), 'base64')
  fc.assert(
    fc.property(fc.nat(der.length - 1), fc.nat(255), (at, value) => {
      const damaged = Buffer.from(der)
      damaged[at] = value
      const text = `-----BEGIN CERTIFICATE-----\n${damaged.toString('base64')}\n-----END CERTIFICATE-----`
      try {
        expect(readCertificate(text).publicKey.length).toBeGreaterThan(0)
      } catch (error) {
        expect(error).toMatchObject({ code: 'invalid_signature' })
      }
    }),
    { numRuns: 1_000 },
  )
})

it("computes zlib's CRC-32", () => {
  fc.assert(fc.property(fc.uint8Array(), (bytes) => crc32(bytes) === zlibCrc32(bytes)))
})
