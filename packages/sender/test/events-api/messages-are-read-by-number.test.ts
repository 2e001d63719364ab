import { createReceiver } from '@x/receiver'
import { testConsumer } from '@x/testkit'
import { expect } from 'vitest'
import { it } from '../each-database.ts'
import { startHost } from '../open-host.ts'
import { numbersOf, pullEndpoint, raise, serveEvents } from './serve-events.ts'

const idsUpTo = (count: number) => Array.from({ length: count }, (_, index) => index + 1)

it('gives every message once, in the order of numbers, signed as a webhook', async () => {
  await using host = await startHost()
  await using server = await serveEvents(host)
  const { endpoint, secret, key } = await pullEndpoint(host)
  await raise(host, ...idsUpTo(60))
  const { verify } = createReceiver({ secrets: secret })

  const seen: unknown[] = []
  for (let cursor = '0', hasMore = true; hasMore; ) {
    const { status, page, headers } = await server.read(endpoint.id, key, `after=${cursor}&limit=25`)
    expect(status).toBe(200)
    expect(headers.get('cache-control')).toBe('no-store')
    for (const { id, sequence, headers: ofMessage, body } of page.messages) {
      const event = await verify(body, ofMessage)
      expect(event.id).toBe(id)
      expect(ofMessage['webhook-sequence']).toBe(String(sequence))
      seen.push([sequence, (event.data as { entityId: number }).entityId])
    }
    ;({ cursor, hasMore } = page)
  }
  expect(seen).toEqual(idsUpTo(60).map((id) => [id, id]))
  expect((await server.read(endpoint.id, key, 'after=60')).page).toEqual({
    messages: [],
    cursor: '60',
    hasMore: false,
  })
  expect((await server.read(endpoint.id, key, 'after=latest')).page).toMatchObject({
    messages: [],
    cursor: '60',
  })
  expect(numbersOf(await server.read(endpoint.id, key, 'limit=3'))).toEqual([1, 2, 3])
})

it('gives what was POSTed, header by header and byte by byte', async () => {
  await using host = await startHost({ webhookOrigin: 'events.host.example' })
  await using server = await serveEvents(host)
  await using consumer = await testConsumer()
  for (const format of ['standard', 'cloudevents-binary'] as const) {
    const { endpoint } = await host.sender.endpoints.create({
      tenantId: 1,
      url: consumer.url,
      sequence: true,
      headers: { authorization: 'Basic abc' },
      format,
    })
    const { key } = await host.sender.endpoints.createKey(endpoint.id)
    const before = consumer.requests.length
    await raise(host, 1)
    const posted = (await consumer.received(before + 1)).at(-1)
    const { page } = await server.read(endpoint.id, key)
    expect(page.messages).toHaveLength(1)
    const [message] = page.messages
    expect(message?.body).toBe(posted?.rawBody.toString())
    // Made when it is sent, or of the connection.
    const { host: _, connection: __, 'content-length': ___, ...headers } = posted?.headers ?? {}
    const made = ['webhook-timestamp', 'webhook-signature', 'webhook-sequence-signature']
    expect(Object.keys(message?.headers ?? {}).sort()).toEqual(Object.keys(headers).sort())
    for (const name of Object.keys(headers)) {
      if (!made.includes(name)) expect([name, message?.headers[name]]).toEqual([name, headers[name]])
    }
    await host.sender.endpoints.delete(endpoint.id)
  }
})

it('gives no more than fits into a response, and one message in any case', async () => {
  await using host = await startHost()
  await using server = await serveEvents(host, { maxResponseBytes: 3_000 })
  const { endpoint, key } = await pullEndpoint(host)
  await raise(host, ...idsUpTo(30))
  let cursor = 0
  const counts: number[] = []
  while (cursor < 30) {
    const { page } = await server.read(endpoint.id, key, `after=${cursor}`)
    expect(page.messages[0]?.sequence).toBe(cursor + 1)
    expect(JSON.stringify(page).length).toBeLessThan(4_500)
    expect(page.hasMore).toBe(Number(page.cursor) < 30)
    counts.push(page.messages.length)
    cursor = Number(page.cursor)
  }
  expect(counts.length).toBeGreaterThan(5)
  await using small = await serveEvents(host, { maxResponseBytes: 1 })
  expect(numbersOf(await small.read(endpoint.id, key, 'after=7'))).toEqual([8])
})

it('says which messages are gone, and where to go on', async () => {
  await using host = await startHost()
  await using server = await serveEvents(host)
  const { endpoint, key } = await pullEndpoint(host)
  await raise(host, ...idsUpTo(10))
  await host.run('delete from xe_webhook_delivery where sequence in (1, 2, 3, 7)')
  const gone = await server.read(endpoint.id, key, 'after=1')
  expect([gone.status, gone.problem.code, gone.problem.first]).toEqual([410, 'gone', 4])
  expect(gone.problem.detail).toContain('from 2 to 3')
  // From the oldest that is left, and up to the next hole.
  const left = await server.read(endpoint.id, key)
  expect([numbersOf(left), left.page.hasMore]).toEqual([[4, 5, 6], true])
  expect((await server.read(endpoint.id, key, 'after=6')).problem).toMatchObject({ code: 'gone', first: 8 })
  await host.run('delete from xe_webhook_delivery')
  expect((await server.read(endpoint.id, key, 'after=6')).problem).toMatchObject({ code: 'gone', first: 11 })
  expect((await server.read(endpoint.id, key)).page).toEqual({ messages: [], cursor: '10', hasMore: false })
  const ahead = await server.read(endpoint.id, key, 'after=11')
  expect([ahead.status, ahead.problem.field]).toEqual([400, 'after'])
  expect(ahead.problem.detail).toContain('at most 10')
})

it('leaves out what the host forbids, and does not pass what it cannot decide', async () => {
  let failing = false
  await using host = await startHost({
    canReceive: (_, { entityId }) => {
      if (failing && entityId === 5) throw new Error('The rights are away.')
      return entityId !== 2 && entityId !== 3
    },
  })
  await using server = await serveEvents(host)
  const { endpoint, key } = await pullEndpoint(host)
  await raise(host, ...idsUpTo(6))
  const all = await server.read(endpoint.id, key)
  expect([numbersOf(all), all.page.cursor]).toEqual([[1, 4, 5, 6], '6'])
  expect((await server.read(endpoint.id, key, 'after=1&limit=2')).page).toEqual({
    messages: [],
    cursor: '3',
    hasMore: true,
  })
  failing = true
  const some = await server.read(endpoint.id, key)
  expect([numbersOf(some), some.page.cursor, some.page.hasMore]).toEqual([[1, 4], '4', true])
  const none = await server.read(endpoint.id, key, 'after=4')
  expect([none.status, none.headers.get('retry-after')]).toEqual([503, '5'])
})
