import { testConsumer, waitFor } from '@x/testkit'
import { expect } from 'vitest'
import { it } from '../each-database.ts'
import { site, startHost } from '../open-host.ts'
import { numbersOf, pullEndpoint, raise, serveEvents } from './serve-events.ts'

it('POSTs nothing, and has nothing that is pending', async () => {
  await using host = await startHost()
  await using server = await serveEvents(host)
  const { sender } = host
  const { endpoint, key } = await pullEndpoint(host)
  expect(endpoint).toMatchObject({ sequence: true, enabled: true })
  expect('url' in endpoint).toBe(false)
  await raise(host, 1, 2)
  const tested = await sender.sendTest(endpoint.id)
  expect(tested).toMatchObject({ state: 'pull', attemptCount: 0 })
  const read = await server.read(endpoint.id, key)
  expect(numbersOf(read)).toEqual([1, 2, 3])
  expect(JSON.parse(read.page.messages[2]?.body ?? '')).toMatchObject({ type: 'Webhook.Test' })

  const all = await sender.deliveries.list({ tenantId: 1 })
  expect(all.map(({ state, finishedOn }) => [state, finishedOn !== undefined])).toEqual(
    Array(3).fill(['pull', true]),
  )
  expect(await sender.deliveries.list({ tenantId: 1, state: 'pull' })).toHaveLength(3)
  expect(await sender.deliveries.list({ tenantId: 1, state: 'pending' })).toEqual([])
  expect(await sender.stats()).toMatchObject({ deliveries: { pending: 0, exhausted: 0 }, oldestDueAgeMs: 0 })
  expect(await host.run('select * from xe_webhook_queue')).toEqual([])
  await expect(sender.deliveries.resend(all[0]?.id ?? '')).rejects.toMatchObject({ code: 'no_url' })
  for (const kind of ['replay', 'recover'] as const) {
    const job = await sender.deliveries[kind](endpoint.id, { since: new Date(0) })
    await waitFor(async () => (await sender.jobs.get(job.id)).state !== 'running', 'the job')
  }
  expect(numbersOf(await server.read(endpoint.id, key))).toEqual([1, 2, 3])
  expect((await sender.deliveries.list({ tenantId: 1 })).every(({ state }) => state === 'pull')).toBe(true)
})

it('is given what it has missed by a replay, with the next numbers', async () => {
  await using host = await startHost()
  await using server = await serveEvents(host)
  await raise(host, 1, 2)
  const { endpoint, key } = await pullEndpoint(host)
  const waiting = server.read(endpoint.id, key, 'wait=30')
  const job = await host.sender.deliveries.replay(endpoint.id, { since: new Date(0) })
  await waitFor(async () => (await host.sender.jobs.get(job.id)).state === 'succeeded', 'the job')
  expect((await waiting).page.messages.length).toBeGreaterThan(0)
  expect(numbersOf(await server.read(endpoint.id, key))).toEqual([1, 2])
  expect(await host.sender.deliveries.list({ tenantId: 1, state: 'pending' })).toEqual([])
})

it('may get a URL later, and keeps it then', async () => {
  await using host = await startHost()
  await using consumer = await testConsumer()
  await using server = await serveEvents(host)
  const { endpoints } = host.sender
  const { endpoint, key } = await pullEndpoint(host)
  await raise(host, 1)
  await endpoints.update(endpoint.id, { url: consumer.url })
  await raise(host, 2)
  const [posted] = await consumer.received(1)
  expect(posted?.headers['webhook-sequence']).toBe('2')
  expect(numbersOf(await server.read(endpoint.id, key))).toEqual([1, 2])
  expect(consumer.requests).toHaveLength(1)
  const refusal = { code: 'invalid_endpoint', field: 'url' }
  await expect(endpoints.update(endpoint.id, { url: null } as never)).rejects.toMatchObject(refusal)
})

it.each([
  [{ sequence: false }, 'sequence'],
  [{ url: '' }, 'url'],
  // As from an environment variable that is not set.
  [{ url: undefined } as object, 'url'],
  [{ verifyOwnership: true }, 'verifyOwnership'],
])('refuses %j', async (input, field) => {
  await using host = await startHost()
  await expect(host.sender.endpoints.create({ tenantId: 1, url: null, ...input })).rejects.toMatchObject({
    field,
  })
  const { endpoint } = await pullEndpoint(host)
  await expect(host.sender.endpoints.update(endpoint.id, { sequence: false })).rejects.toMatchObject({
    field: 'sequence',
  })
})

it('asks the owner of a URL that is given later, where owners are asked', async () => {
  await using host = await startHost({ verifyOwnership: true })
  await using consumer = await testConsumer()
  const { endpoint } = await pullEndpoint(host)
  expect(endpoint).toMatchObject({ enabled: true })
  const changed = await host.sender.endpoints.update(endpoint.id, { url: consumer.url })
  expect(changed).toMatchObject({ enabled: false, ownership: 'pending', disabledReason: 'unverified' })
})

it('stands beside others that are sent to', async () => {
  await using host = await startHost()
  await using consumer = await testConsumer()
  await using server = await serveEvents(host)
  await host.sender.endpoints.create({ tenantId: 1, url: consumer.url })
  const { endpoint, key } = await pullEndpoint(host)
  for (let id = 1; id <= 5; id++) await host.engine.syncManager.addSyncEvent(site, 'File', id, 'Create')
  await host.sender.drain()
  await consumer.received(5)
  expect(numbersOf(await server.read(endpoint.id, key))).toEqual([1, 2, 3, 4, 5])
  const states = await host.sender.deliveries.list({ tenantId: 1 })
  expect(states.map(({ state }) => state).sort()).toEqual([
    ...Array(5).fill('pull'),
    ...Array(5).fill('succeeded'),
  ])
})
