import { ALL_SITES, ALL_TENANTS } from '@x/events-core'
import { type ReceivedRequest, testConsumer, waitFor } from '@x/testkit'
import { expect } from 'vitest'
import { it } from '../each-database.ts'
import { type OpenHost, openHost, site, startHost } from '../open-host.ts'
import { idOf } from '../what-was-received.ts'

const seen = (requests: readonly ReceivedRequest[]) =>
  requests.map(({ rawBody }) => {
    const { type, data } = JSON.parse(String(rawBody))
    return `${type} ${data.entityId}`
  })

const raise = (host: OpenHost, entityName: 'File' | 'Page' | 'User', id: number, of: object = {}) =>
  host.engine.syncManager.addSyncEvent({ ...site, ...of }, entityName, id, 'Update')

const since = new Date(0)

const replayed = async (host: OpenHost, id: string) => {
  const job = await waitFor(async () => {
    const found = await host.sender.jobs.get(id)
    return found.state !== 'running' && found
  }, 'the job to end')
  await host.sender.drain()
  return job
}

it('sends what the endpoint never had, because it was not there or did not want it, and nothing of others', async () => {
  await using host = await startHost()
  await using before = await testConsumer()
  await using consumer = await testConsumer()
  const { endpoints, deliveries } = host.sender
  await endpoints.create({ tenantId: 1, url: before.url, eventTypes: ['Page.*'] })
  const page = await raise(host, 'Page', 1)
  const file = await raise(host, 'File', 2)
  await raise(host, 'File', 3, { siteId: 8 })
  await raise(host, 'File', 4, { tenantId: 2 })
  const everybody = await raise(host, 'Page', 5, { tenantId: ALL_TENANTS, siteId: ALL_SITES })
  await raise(host, 'User', 6)
  await host.sender.drain()
  const { endpoint } = await endpoints.create({
    tenantId: 1,
    siteId: 7,
    url: consumer.url,
    eventTypes: ['File.*', 'Page.*'],
  })
  const later = await raise(host, 'File', 7)
  await host.sender.drain()
  expect(consumer.requests.map(idOf)).toEqual([later.id])

  const job = await deliveries.replay(endpoint.id, { since, include: 'missing' })
  expect(job).toMatchObject({ kind: 'replay', options: { include: 'missing' } })
  expect(await replayed(host, job.id)).toMatchObject({ state: 'succeeded', affected: 3 })
  expect(consumer.requests.slice(1).map(idOf)).toEqual([page.id, file.id, everybody.id])
  // The same message as ever, and once.
  expect(consumer.requests[1]?.rawBody).toEqual(before.requests[0]?.rawBody)
  expect(before.requests).toHaveLength(2)
  const again = await deliveries.replay(endpoint.id, { since, include: 'missing' })
  expect(await replayed(host, again.id)).toMatchObject({ state: 'succeeded', affected: 0 })
  expect(consumer.requests).toHaveLength(4)
})

it.each([
  ['all', ['File.Update 1', 'Page.Update 2', 'File.Update 3', 'File.Update 4']],
  ['unsuccessful', ['Page.Update 2', 'File.Update 3', 'File.Update 4']],
  ['missing', ['File.Update 4']],
] as const)('sends %s once more, when asked for it', async (include, expected) => {
  await using host = await startHost({ retrySchedule: [0] })
  await using consumer = await testConsumer()
  const { endpoints, deliveries } = host.sender
  const { endpoint } = await endpoints.create({ tenantId: 1, url: consumer.url, concurrency: 1 })
  await host.sender.sendTest(endpoint.id)
  await raise(host, 'File', 1)
  await host.sender.drain()
  consumer.answer(400)
  await raise(host, 'Page', 2)
  await host.sender.drain()
  await raise(host, 'File', 3)
  await host.sender.drain()
  await endpoints.disable(endpoint.id)
  await raise(host, 'File', 4)
  await host.sender.drain()
  await endpoints.enable(endpoint.id)
  consumer.answer(204)
  const had = consumer.requests.length
  const job = await deliveries.replay(endpoint.id, { since, include })
  expect(await replayed(host, job.id)).toMatchObject({ state: 'succeeded', affected: expected.length })
  expect(seen(consumer.requests.slice(had)).sort()).toEqual(expected.toSorted())
})

it('heeds types and times', async () => {
  await using host = await startHost()
  await using consumer = await testConsumer()
  const { endpoints, deliveries } = host.sender
  await raise(host, 'File', 1)
  await raise(host, 'Page', 2)
  await host.sender.drain()
  const { endpoint } = await endpoints.create({ tenantId: 1, url: consumer.url })
  const replay = async (options: object) =>
    (await replayed(host, (await deliveries.replay(endpoint.id, { since, ...options })).id)).affected
  expect(await replay({ since: new Date(Date.now() + 60_000) })).toBe(0)
  expect(await replay({ until: new Date(Date.now() - 60_000) })).toBe(0)
  expect(await replay({ eventTypes: ['*.Delete'] })).toBe(0)
  expect(await replay({ eventTypes: ['Page.*', 'User.*'] })).toBe(1)
  expect(await replay({ eventTypes: ['File.Update'] })).toBe(1)
  expect(seen(consumer.requests)).toEqual(['Page.Update 2', 'File.Update 1'])
})

it('leaves what is still to be fanned out to fan-out, and an event without a message out', async () => {
  await using host = await openHost({ maxBodyBytes: 1_024 })
  await using consumer = await testConsumer()
  const { endpoints, deliveries } = host.sender
  await host.start()
  await raise(host, 'File', 1)
  await host.engine.syncManager.addSyncEvent(site, 'File', 2, 'Update', {
    data: { text: 'x'.repeat(2_000) } as never,
  })
  await raise(host, 'File', 3)
  await host.sender.drain()
  await host.engine.stop()
  const { endpoint } = await endpoints.create({ tenantId: 1, url: consumer.url })
  await raise(host, 'File', 4)
  const job = await deliveries.replay(endpoint.id, { since })
  expect(
    await waitFor(async () => {
      const found = await host.sender.jobs.get(job.id)
      return found.state !== 'running' && found
    }, 'the job to end'),
  ).toMatchObject({ state: 'succeeded', affected: 2 })
  await waitFor(() => consumer.requests.length === 2, 'what it has missed')
  await host.engine.start()
  await host.sender.drain()
  expect(seen(consumer.requests)).toEqual(['File.Update 1', 'File.Update 3', 'File.Update 4'])
})

it('keeps to the order of the endpoint', async () => {
  await using host = await startHost()
  await using consumer = await testConsumer()
  for (let id = 1; id <= 30; id++) await raise(host, 'File', id)
  await host.sender.drain()
  const { endpoint } = await host.sender.endpoints.create({
    tenantId: 1,
    url: consumer.url,
    ordering: 'fifo',
  })
  await replayed(host, (await host.sender.deliveries.replay(endpoint.id, { since })).id)
  expect(seen(consumer.requests)).toEqual(
    Array.from({ length: 30 }, (_, index) => `File.Update ${index + 1}`),
  )
})

it('sends messages that others have got, although the log has dropped their events', async () => {
  await using host = await startHost()
  await using before = await testConsumer()
  await using consumer = await testConsumer()
  const { endpoints, deliveries } = host.sender
  // In order: what is sent straight from the log keeps its events there.
  await endpoints.create({ tenantId: 1, url: before.url, ordering: 'fifo' })
  await endpoints.create({ tenantId: 2, url: before.url, ordering: 'fifo' })
  await host.sender.sendTest((await endpoints.list({ tenantId: 1 }))[0]?.id ?? '')
  for (let id = 1; id <= 3; id++) await raise(host, 'File', id)
  await raise(host, 'Page', 4)
  await raise(host, 'File', 5, { siteId: 8 })
  await raise(host, 'File', 6, { tenantId: 2 })
  await raise(host, 'File', 7, { tenantId: ALL_TENANTS, siteId: ALL_SITES })
  await host.sender.drain()
  await host.run('delete from xe_sync_event')
  const kept = await raise(host, 'File', 8)
  await host.sender.drain()
  const { endpoint } = await endpoints.create({
    tenantId: 1,
    siteId: 7,
    url: consumer.url,
    eventTypes: ['File.*'],
    ordering: 'fifo',
  })
  const job = await deliveries.replay(endpoint.id, { since, include: 'missing' })
  expect(await replayed(host, job.id)).toMatchObject({ state: 'succeeded', affected: 5 })
  expect(seen(consumer.requests)).toEqual([1, 2, 3, 7, 8].map((id) => `File.Update ${id}`))
  expect(consumer.requests.at(-1)?.headers['webhook-id']).toBe(kept.id)
  const bodyOf = (requests: readonly ReceivedRequest[], id: string) =>
    requests.find((request) => idOf(request) === id)?.rawBody
  for (const request of consumer.requests)
    expect(request.rawBody).toEqual(bodyOf(before.requests, idOf(request)))
  const again = await deliveries.replay(endpoint.id, { since, include: 'missing' })
  expect(await replayed(host, again.id)).toMatchObject({ affected: 0 })
})
