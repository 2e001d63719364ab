import { waitFor } from '@x/testkit'
import { expect } from 'vitest'
import { it, testDialect } from '../each-database.ts'
import { startHost } from '../open-host.ts'
import { numbersOf, pullEndpoint, raise, serveEvents } from './serve-events.ts'

/** A hint that is lost, or a poll, would take longer than the test. */
const NEVER_MS = 3_600_000

it('ends with the commit of a message, and not with one of another endpoint', async () => {
  await using host = await startHost({ pollMaxMs: NEVER_MS })
  await using server = await serveEvents(host)
  const { endpoint, key } = await pullEndpoint(host)
  const other = await host.sender.endpoints.create({ tenantId: 1, url: null, eventTypes: ['Page.*'] })
  await host.sender.endpoints.update(endpoint.id, { eventTypes: ['File.*'] })
  let ended = false
  const waiting = server.read(endpoint.id, key, 'after=0&wait=30').finally(() => {
    ended = true
  })
  await host.engine.transaction(({ raise: add }) => add({ tenantId: 1, siteId: 7 }, 'Page', 1, 'Create'))
  await host.sender.drain()
  expect((await host.sender.messages.pull(other.endpoint.id)).messages).toHaveLength(1)
  expect(ended).toBe(false)
  await raise(host, 1)
  expect(numbersOf(await waiting)).toEqual([1])
})

it('ends with the commit of another process, by its notification or the next look', async () => {
  await using host = await startHost({ pollMaxMs: testDialect() === 'postgres' ? NEVER_MS : 50 })
  await using reading = await host.openAnother({ deliver: false, fanOut: false })
  await reading.start()
  await using server = await serveEvents(reading)
  const { endpoint, key } = await pullEndpoint(host)
  const waiting = server.read(endpoint.id, key, 'after=0&wait=30')
  await waitFor(() => server.waiting() === 1, 'the request')
  await raise(host, 1)
  expect(numbersOf(await waiting)).toEqual([1])
})

it('ends without a message after the time that was asked for', async () => {
  await using host = await startHost()
  await using server = await serveEvents(host)
  const { endpoint, key } = await pullEndpoint(host)
  const { status, page } = await server.read(endpoint.id, key, 'after=0&wait=1')
  expect([status, page]).toEqual([200, { messages: [], cursor: '0', hasMore: false }])
})

it('gives its place back when the consumer is gone, and ends with the server and the sender', async () => {
  await using host = await startHost()
  const closing = new AbortController()
  await using server = await serveEvents(host, { maxWaitingPerKey: 1, signal: closing.signal })
  const { endpoint, key } = await pullEndpoint(host)
  const gone = new AbortController()
  const init = { signal: gone.signal, headers: { authorization: `Bearer ${key}` } }
  const left = server.read(endpoint.id, key, 'wait=30', init).catch((error: Error) => error.name)
  await waitFor(() => server.waiting() === 1, 'the request')
  const refused = await server.read(endpoint.id, key, 'wait=30')
  expect([refused.status, refused.problem.code]).toEqual([429, 'too_many_waiting'])
  expect(refused.headers.get('retry-after')).toBe('1')
  expect((await server.read(endpoint.id, key)).status).toBe(200)
  gone.abort()
  expect(await left).toBe('AbortError')
  await waitFor(() => server.waiting() === 0, 'its place')

  const ofServer = server.read(endpoint.id, key, 'wait=30')
  await waitFor(() => server.waiting() === 1, 'the request')
  closing.abort()
  expect(await ofServer).toMatchObject({ status: 200, page: { messages: [] } })

  await using another = await serveEvents(host)
  const ofSender = another.read(endpoint.id, key, 'wait=30')
  await waitFor(() => another.waiting() === 1, 'the request')
  await host.sender.stop()
  expect(await ofSender).toMatchObject({ status: 200, page: { messages: [] } })
})

it('gives a key that was revoked meanwhile nothing', async () => {
  await using host = await startHost()
  await using server = await serveEvents(host)
  const { endpoint, key, keyId } = await pullEndpoint(host)
  const waiting = server.read(endpoint.id, key, 'wait=30')
  await waitFor(() => server.waiting() === 1, 'the request')
  const { key: next } = await host.sender.endpoints.rotateKey(endpoint.id, keyId, { overlapSeconds: 0 })
  await raise(host, 1)
  expect((await waiting).status).toBe(401)
  expect(numbersOf(await server.read(endpoint.id, next, 'wait=30'))).toEqual([1])
})
