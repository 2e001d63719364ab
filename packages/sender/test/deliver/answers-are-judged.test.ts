import { createServer } from 'node:net'
import { testConsumer, waitFor } from '@x/testkit'
import { expect } from 'vitest'
import { it } from '../each-database.ts'
import { type OpenHost, site, startHost } from '../open-host.ts'

const raise = (host: OpenHost, id = 1) => host.engine.syncManager.addSyncEvent(site, 'File', id, 'Download')

async function attempted(host: OpenHost) {
  return waitFor(async () => {
    const [delivery] = await host.sender.deliveries.list({ tenantId: 1 })
    return delivery && delivery.attemptCount > 0 && host.sender.deliveries.get(delivery.id)
  }, 'an attempt')
}

it.each([200, 201, 202, 204, 299])('takes %i for success', async (status) => {
  await using host = await startHost()
  await using consumer = await testConsumer()
  consumer.answer(status)
  await host.sender.endpoints.create({ tenantId: 1, url: consumer.url })
  await raise(host)
  expect(await attempted(host)).toMatchObject({ state: 'succeeded', lastStatus: status })
})

it.each([
  [301, 'redirect'],
  [304, 'redirect'],
  [307, 'redirect'],
  [400, 'http_status'],
  [404, 'http_status'],
  [500, 'http_status'],
])('takes %i for failure', async (status, lastErrorCode) => {
  await using host = await startHost()
  await using consumer = await testConsumer()
  await using elsewhere = await testConsumer()
  consumer.answer(() => ({ status, headers: { location: elsewhere.url } }))
  await host.sender.endpoints.create({ tenantId: 1, url: consumer.url })
  await raise(host)
  expect(await attempted(host)).toMatchObject({ state: 'pending', lastStatus: status, lastErrorCode })
  expect(elsewhere.requests).toHaveLength(0)
})

it('disables the endpoint that answers 410 Gone, and keeps what waits for it', async () => {
  await using host = await startHost()
  await using consumer = await testConsumer()
  consumer.answer(410)
  const { endpoint } = await host.sender.endpoints.create({ tenantId: 1, url: consumer.url, concurrency: 1 })
  await host.engine.transaction(async ({ raise: raiseInside }) => {
    for (let id = 1; id <= 5; id++) await raiseInside(site, 'File', id, 'Download')
  })
  await waitFor(
    async () => !(await host.sender.endpoints.get(endpoint.id)).enabled,
    'the endpoint to be disabled',
  )
  await waitFor(async () => (await host.sender.stats()).inFlight === 0, 'the last attempt')
  expect(await host.sender.endpoints.get(endpoint.id)).toMatchObject({
    enabled: false,
    disabledReason: 'gone',
    disabledOn: expect.any(Date),
  })
  const [gone] = await host.sender.deliveries.list({ tenantId: 1, state: 'exhausted' })
  expect(gone).toMatchObject({ lastErrorCode: 'gone', lastStatus: 410 })

  expect(consumer.requests).toHaveLength(1)

  await raise(host, 99)
  await host.sender.drain()
  consumer.answer(204)
  await host.sender.endpoints.enable(endpoint.id)
  await host.sender.drain()
  expect(consumer.requests).toHaveLength(5)
  // What was raised while it was disabled is not for it.
  expect(consumer.requests.map(({ rawBody }) => JSON.parse(String(rawBody)).data.entityId)).not.toContain(99)
  expect(await host.sender.stats()).toMatchObject({ deliveries: { pending: 0 } })
})

it('tells once that it has disabled an endpoint, however many requests were in flight', async () => {
  await using host = await startHost()
  await using consumer = await testConsumer()
  await using watching = await testConsumer()
  const { endpoints } = host.sender
  const { endpoint } = await endpoints.create({
    tenantId: 1,
    url: consumer.url,
    eventTypes: ['File.*'],
    concurrency: 8,
  })
  await endpoints.create({ tenantId: 1, url: watching.url, eventTypes: ['WebhookEndpoint.*'] })
  const told = () => host.run(`select 1 from xe_sync_event where entity_name = 'WebhookEndpoint'`)
  const disable = async () => {
    const before = consumer.requests.length
    const answers: ((status: number) => void)[] = []
    consumer.answer(() => new Promise<number>((resolve) => answers.push(resolve)))
    await host.engine.transaction(async ({ raise: raiseInside }) => {
      for (let id = 1; id <= 8; id++) await raiseInside(site, 'File', id, 'Download')
    })
    await consumer.received(before + 8)
    // Some of them are recorded together, the others later.
    for (const answer of answers.splice(0, 4)) answer(410)
    await waitFor(async () => !(await endpoints.get(endpoint.id)).enabled, 'the endpoint to be disabled')
    for (const answer of answers) answer(410)
    const { deliveries } = host.sender
    await waitFor(
      async () => (await deliveries.count({ tenantId: 1, state: 'exhausted' })).count === before + 8,
      'all of them to be recorded',
    )
  }
  await disable()
  expect(await told()).toHaveLength(1)
  await watching.received(1)
  // Enabled by a person, it can be disabled once more.
  await endpoints.enable(endpoint.id)
  await disable()
  expect(await told()).toHaveLength(2)
  await host.sender.drain()
  const reasons = watching.requests.map(({ rawBody }) => JSON.parse(String(rawBody)).data.entity.reason)
  expect(reasons).toEqual(['gone', 'gone'])
})

it('stores the beginning of the answer, and does not read an endless one', async () => {
  await using host = await startHost()
  await using consumer = await testConsumer()
  consumer.answer(() => ({ status: 500, body: 'é'.repeat(1_000_000) }))
  await host.sender.endpoints.create({ tenantId: 1, url: consumer.url })
  await raise(host)
  const { attempts } = await attempted(host)
  expect(attempts).toHaveLength(1)
  expect(attempts[0]?.response).toMatchObject({ status: 500, body: 'é'.repeat(2_048) })
})

it('gives up an answer that does not come', async () => {
  await using host = await startHost({ timeoutMs: 500 })
  await using consumer = await testConsumer()
  let letGo = () => {}
  consumer.answer(() => new Promise((resolve) => (letGo = () => resolve(204))))
  await host.sender.endpoints.create({ tenantId: 1, url: consumer.url })
  await raise(host)
  expect(await attempted(host)).toMatchObject({ state: 'pending', lastErrorCode: 'timeout' })
  letGo()
})

it('gives up an answer whose body does not end, although its status was fine', async () => {
  await using host = await startHost({ timeoutMs: 3_000 })
  const server = createServer((socket) => {
    socket.on('error', () => {})
    socket.write('HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  await host.sender.endpoints.create({ tenantId: 1, url: `http://127.0.0.1:${port}/` })
  await raise(host)
  expect(await attempted(host)).toMatchObject({ state: 'pending', lastErrorCode: 'timeout', lastStatus: 200 })
  await host.sender.stop()
  server.close()
})

it.each([
  ['nobody listens', undefined, 'connection_refused'],
  ['the connection is closed at once', '', 'connection_lost'],
  ['the answer is no HTTP', 'SSH-2.0-OpenSSH_9.2\r\n', 'invalid_response'],
])('says what went wrong when %s', async (_what, answer, lastErrorCode) => {
  await using host = await startHost()
  const server = createServer((socket) => {
    socket.on('error', () => {})
    socket.once('data', () => socket.end(answer ?? ''))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  if (answer === undefined) await new Promise((resolve) => server.close(resolve))
  await host.sender.endpoints.create({ tenantId: 1, url: `http://127.0.0.1:${port}/` })
  await raise(host)
  expect(await attempted(host)).toMatchObject({ state: 'pending', lastErrorCode })
  server.close()
})
