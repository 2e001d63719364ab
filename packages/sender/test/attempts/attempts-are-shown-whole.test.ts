import { EntityNames } from '@x/events-core'
import { testConsumer, waitFor } from '@x/testkit'
import { testAuthority } from '@x/testkit/certificates'
import { expect, it as vitestIt } from 'vitest'
import { looksSecret } from '../../src/deliveries/attempt-details.ts'
import type { Delivery, DeliveryDetails } from '../../src/index.ts'
import { it } from '../each-database.ts'
import { type OpenHost, site, startHost } from '../open-host.ts'
import { proxyServer } from '../proxy-server.ts'
import { rawServer } from '../raw-server.ts'

const raise = (host: OpenHost, id = 1) =>
  host.engine.syncManager.addSyncEvent(site, EntityNames.File, id, 'Update')

/** The newest delivery, once it has so many attempts. */
const attempted = (host: OpenHost, count = 1, endpointId?: string): Promise<DeliveryDetails> =>
  waitFor(async () => {
    const [delivery] = await host.sender.deliveries.list({ tenantId: 1, endpointId, limit: 1 })
    return (
      delivery && delivery.attemptCount >= count && host.sender.deliveries.get(delivery.id, { tenantId: 1 })
    )
  }, `${count} attempts`)

it('keeps of an attempt that fails, and of those after it, both sides with their headers', async () => {
  await using host = await startHost({ retrySchedule: [0, 0.01], network: { allow: ['127.0.0.0/8'] } })
  await using consumer = await testConsumer()
  consumer.answer(() => ({
    status: consumer.requests.length === 1 ? 500 : 200,
    headers: { 'content-type': 'text/plain', 'set-cookie': 'session=s3cr-t-value', 'x-request-id': 'r1' },
    body: 'no',
  }))
  const { endpoint } = await host.sender.endpoints.create({
    tenantId: 1,
    url: consumer.url,
    headers: { authorization: 'Bearer s3cr-t-value', 'x-plain': 'one' },
  })
  await raise(host)
  const { id, attempts } = await attempted(host, 2)
  const [first, second] = attempts
  const own = new Set(['authorization', 'x-plain'])
  const { host: _, connection: __, 'content-length': ___, ...sent } = consumer.requests[0]?.headers ?? {}
  expect(first?.request).toEqual({
    method: 'POST',
    url: consumer.url,
    headers: Object.fromEntries(
      Object.entries(sent).map(([name, value]) => [name, own.has(name) ? '***' : value]),
    ),
    maskedHeaders: ['authorization', 'x-plain'],
    source: 'kept',
  })
  expect(first?.response).toMatchObject({
    status: 500,
    body: 'no',
    headers: { 'content-type': 'text/plain', 'set-cookie': '***', 'x-request-id': 'r1' },
  })
  const { port } = new URL(consumer.url)
  const address = {
    viaProxy: false,
    httpVersion: '1.1',
    remoteAddress: '127.0.0.1',
    remotePort: Number(port),
  }
  expect(first?.connection).toEqual({ reused: false, ...address })
  expect(first?.timings).toEqual({ connectMs: expect.any(Number), firstByteMs: expect.any(Number) })
  expect(second).toMatchObject({ request: { source: 'kept' }, response: { status: 200 } })
  expect(second?.connection).toEqual({ reused: true, ...address })
  expect(second?.timings).toEqual({ firstByteMs: expect.any(Number) })

  const { deliveries, endpoints } = host.sender
  const revealed = async () => (await deliveries.get(id, { revealHeaders: true })).attempts[0]?.request
  expect(await revealed()).toMatchObject({
    headers: { authorization: 'Bearer s3cr-t-value', 'x-plain': 'one' },
    maskedHeaders: [],
  })
  await endpoints.update(endpoint.id, { headers: { authorization: 'Bearer other', 'x-plain': 'one' } })
  // The value that was sent is kept nowhere.
  expect(await revealed()).toMatchObject({
    headers: { authorization: '***', 'x-plain': 'one' },
    maskedHeaders: ['authorization'],
  })
  expect(JSON.stringify(await host.run('select * from xe_webhook_attempt'))).not.toMatch(/s3cr-t-value|one"/)
  await expect(deliveries.get(id, { revealHeaders: 1 as never })).rejects.toMatchObject({
    code: 'invalid_argument',
  })
})

it('composes the request of a success at once again, and keeps no more of it than before', async () => {
  await using host = await startHost({ webhookOrigin: 'shop.example' })
  await using consumer = await testConsumer()
  const { endpoint } = await host.sender.endpoints.create({
    tenantId: 1,
    url: consumer.url,
    headers: { 'x-key': 'abc' },
  })
  await raise(host)
  const { id, attempts } = await attempted(host)
  const { host: _, connection: __, 'content-length': ___, ...sent } = consumer.requests[0]?.headers ?? {}
  expect(attempts).toEqual([
    {
      number: 1,
      startedOn: expect.any(Date),
      durationMs: expect.any(Number),
      request: {
        method: 'POST',
        url: consumer.url,
        headers: { ...sent, 'x-key': '***' },
        maskedHeaders: ['x-key'],
        source: 'composed',
      },
      response: { status: 204, body: '' },
    },
  ])
  const [revealed] = (await host.sender.deliveries.get(id, { revealHeaders: true })).attempts
  expect(revealed?.request).toMatchObject({ headers: sent, maskedHeaders: [] })
  // What was sent then is not known any more.
  await host.sender.endpoints.update(endpoint.id, { headers: { 'x-key': 'new' } })
  const [changed] = (await host.sender.deliveries.get(id, { revealHeaders: true })).attempts
  expect(changed?.request.headers).not.toHaveProperty('x-key')
  await host.sender.endpoints.delete(endpoint.id)
  expect((await host.sender.deliveries.get(id)).attempts[0]?.request.headers).not.toHaveProperty('x-key')
})

it('keeps tests, and what a person has asked for, although they succeed', async () => {
  await using host = await startHost()
  await using consumer = await testConsumer()
  const { endpoint } = await host.sender.endpoints.create({ tenantId: 1, url: consumer.url })
  await raise(host)
  const { id } = await attempted(host)
  await host.sender.deliveries.resend(id)
  const resent = await attempted(host, 2)
  expect(resent.attempts.map(({ request }) => request.source)).toEqual(['composed', 'kept'])
  const test: Delivery = await host.sender.sendTest(endpoint.id)
  const [attempt] = (
    await waitFor(async () => {
      const details = await host.sender.deliveries.get(test.id)
      return details.state === 'succeeded' && details
    }, 'the test')
  ).attempts
  expect(attempt).toMatchObject({
    request: { source: 'kept' },
    connection: { remoteAddress: '127.0.0.1' },
    response: { headers: { connection: 'keep-alive' } },
  })
})

it('lists attempts page by page, however many there are', async () => {
  await using host = await startHost({ retrySchedule: [0, 3_600] })
  await using consumer = await testConsumer()
  consumer.answer(500)
  await host.sender.endpoints.create({ tenantId: 1, url: consumer.url })
  await raise(host)
  const { id } = await attempted(host)
  const columns = 'started_on, duration_ms, url, signature, status, error_code, details'
  await host.run(`with recursive numbers (n) as (select 2 union all select n + 1 from numbers where n < 130)
    insert into xe_webhook_attempt (message_key, endpoint_key, number, ${columns})
    select message_key, endpoint_key, n, ${columns} from xe_webhook_attempt, numbers where number = 1`)
  const { deliveries } = host.sender
  const { attempts } = await deliveries.get(id)
  expect(attempts.map(({ number }) => number)).toEqual(Array.from({ length: 100 }, (_, index) => index + 31))
  const found: number[] = []
  for (let before: number | undefined; before !== 1; before = found.at(-1)) {
    const page = await deliveries.attempts(id, { tenantId: 1, before, limit: 60 })
    found.push(...page.map(({ number }) => number))
  }
  expect(found).toEqual(Array.from({ length: 130 }, (_, index) => 130 - index))
  expect(await deliveries.attempts(id)).toHaveLength(50)
  await expect(deliveries.attempts(id, { tenantId: 2 })).rejects.toMatchObject({ code: 'delivery_not_found' })
  await expect(deliveries.attempts(id, { before: 0 })).rejects.toMatchObject({ code: 'invalid_argument' })
  await expect(deliveries.attempts(id, { limit: 251 })).rejects.toMatchObject({ code: 'invalid_argument' })
})

vitestIt('tells how the connection was made: name, address, TLS', async () => {
  const authority = await testAuthority()
  const certificate = await authority.issue({ names: ['consumer.example'] })
  const response = 'HTTP/1.1 500 No\r\ncontent-length: 0\r\n\r\n'
  await using secure = await rawServer((socket) => socket.write(response), certificate)
  await using host = await startHost({
    retrySchedule: [0, 3_600],
    network: { allow: ['127.0.0.0/8'], ca: authority.ca, resolve: async () => ['127.0.0.1'] },
  })
  await host.sender.endpoints.create({
    tenantId: 1,
    url: secure.url.replace('127.0.0.1', 'consumer.example'),
  })
  await raise(host)
  const [attempt] = (await attempted(host)).attempts
  expect(attempt?.connection).toEqual({
    reused: false,
    viaProxy: false,
    httpVersion: '1.1',
    remoteAddress: '127.0.0.1',
    remotePort: secure.port,
    tlsVersion: 'TLSv1.3',
  })
  const took = expect.any(Number)
  expect(attempt?.timings).toEqual({ dnsMs: took, connectMs: took, tlsMs: took, firstByteMs: took })
})

vitestIt('tells how far a connection got that did not come about', async () => {
  await using host = await startHost({
    retrySchedule: [0, 3_600],
    network: {
      allow: ['127.0.0.0/8'],
      async resolve(name) {
        if (name === 'gone.example') throw Object.assign(new Error('no'), { code: 'ENOTFOUND' })
        return [name === 'private.example' ? '10.0.0.1' : '127.0.0.1']
      },
    },
  })
  const consumer = await testConsumer()
  const closed = new URL(consumer.url)
  await consumer[Symbol.asyncDispose]()
  const attemptTo = async (hostname: string) => {
    const url = `http://${hostname}:${closed.port}/`
    const { endpoint } = await host.sender.endpoints.create({ tenantId: 1, url })
    await raise(host)
    const delivery = await attempted(host, 1, endpoint.id)
    await host.sender.endpoints.delete(endpoint.id)
    return delivery.attempts[0]
  }
  const unused = { reused: false, viaProxy: false, httpVersion: '1.1' }
  expect(await attemptTo('refusing.example')).toMatchObject({
    errorCode: 'connection_refused',
    request: { source: 'kept' },
    connection: { ...unused, remoteAddress: '127.0.0.1', remotePort: Number(closed.port) },
    timings: { dnsMs: expect.any(Number) },
  })
  const unknown = await attemptTo('gone.example')
  expect(unknown).toMatchObject({ errorCode: 'dns_failure', timings: { dnsMs: expect.any(Number) } })
  expect(unknown?.connection).toEqual(unused)
  const forbidden = await attemptTo('private.example')
  expect(forbidden?.errorCode).toBe('forbidden_address')
  expect(forbidden?.connection).toEqual(unused)
})

vitestIt('says that a proxy was used, and not which', async () => {
  await using proxy = await proxyServer()
  await using consumer = await testConsumer()
  consumer.answer(500)
  await using host = await startHost({
    retrySchedule: [0, 3_600],
    network: { allow: ['127.0.0.0/8'], proxy: { url: proxy.url } },
  })
  await host.sender.endpoints.create({ tenantId: 1, url: consumer.url })
  await raise(host)
  const [attempt] = (await attempted(host)).attempts
  expect(attempt?.connection).toEqual({ reused: false, viaProxy: true, httpVersion: '1.1' })
  expect(attempt?.timings).toEqual({ connectMs: expect.any(Number), firstByteMs: expect.any(Number) })
  expect(JSON.stringify(attempt)).not.toContain(new URL(proxy.url).port)
})

vitestIt('keeps no more of a response than is useful', async () => {
  await using consumer = await testConsumer()
  const many = Object.fromEntries(Array.from({ length: 60 }, (_, index) => [`x-n${index}`, 'v']))
  consumer.answer(() => ({ status: 500, headers: { 'x-long': 'é'.repeat(3_000), ...many } }))
  await using host = await startHost({ retrySchedule: [0, 3_600] })
  await host.sender.endpoints.create({ tenantId: 1, url: consumer.url })
  await raise(host)
  const [attempt] = (await attempted(host)).attempts
  const { headers = {}, omittedHeaders } = attempt?.response ?? {}
  expect(Object.keys(headers)).toHaveLength(32)
  expect(headers['x-long']).toBe('é'.repeat(1_024))
  // Those of Node.js among them.
  expect(omittedHeaders).toBeGreaterThanOrEqual(61 - 32)
})

vitestIt.each([
  ['set-cookie', 'a=b', true],
  ['cookie', '', true],
  ['x-api-key', 'abc', true],
  ['apikey', 'abc', true],
  ['x-auth', 'abc', true],
  ['x-csrf-token', 'abc', true],
  ['x-whatever', 'Bearer abc.def', true],
  ['x-whatever', 'eyJhbGciOiJIUzI1NiJ9.e30.abc', true],
  ['x-whatever', 'whsec_abcdefghijkl', true],
  ['www-authenticate', 'Basic realm="shop"', false],
  ['webhook-signature', 'v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4=', false],
  ['webhook-id', 'evt_019a3f6e', false],
  ['keep-alive', 'timeout=5', false],
  ['x-author', 'me', false],
  ['content-type', 'application/json', false],
] as const)('%s: %s looks like a credential: %s', (name, value, expected) => {
  expect(looksSecret(name, value)).toBe(expected)
})
