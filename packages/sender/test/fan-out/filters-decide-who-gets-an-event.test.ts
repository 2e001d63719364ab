import { type Logger, silentLogger } from '@x/events-core'
import { type ReceivedRequest, testConsumer, waitFor } from '@x/testkit'
import { expect } from 'vitest'
import type { ContentFilter } from '../../src/index.ts'
import { it } from '../each-database.ts'
import { type OpenHost, openHost, site, startHost } from '../open-host.ts'

const raise = (host: OpenHost, id: number, data?: object) =>
  host.engine.syncManager.addSyncEvent(
    site,
    'Invoice' as never,
    id,
    'Update',
    data ? { data: data as never } : {},
  )

const idsIn = (requests: readonly ReceivedRequest[]) =>
  requests.map(({ rawBody }) => JSON.parse(String(rawBody)).data.entityId as number)

const large: ContentFilter = { 'data.entity.total': { $gt: 100 } }

it('sends an endpoint only what its filter lets through, and keeps nothing of the rest', async () => {
  await using host = await startHost()
  await using all = await testConsumer()
  await using some = await testConsumer()
  const { endpoints } = host.sender
  const { endpoint } = await endpoints.create({ tenantId: 1, url: some.url, filter: large })
  expect(endpoint.filter).toEqual(large)
  await raise(host, 1, { total: 100 })
  await raise(host, 2)
  await host.sender.drain()
  expect(await host.run('select * from xe_webhook_message')).toEqual([])

  await endpoints.create({ tenantId: 1, url: all.url })
  await raise(host, 3, { total: 100 })
  await raise(host, 4, { total: 101 })
  await raise(host, 5, { total: '101' })
  await host.sender.drain()
  expect(idsIn(some.requests)).toEqual([4])
  expect(idsIn(all.requests).sort()).toEqual([3, 4, 5])
  expect(some.requests[0]?.rawBody).toEqual(
    all.requests.find(({ headers }) => headers['webhook-id'] === some.requests[0]?.headers['webhook-id'])
      ?.rawBody,
  )
})

it('goes by a filter from the moment it is saved, changed and removed', async () => {
  await using host = await startHost()
  await using consumer = await testConsumer()
  const { endpoints } = host.sender
  const { endpoint } = await endpoints.create({ tenantId: 1, url: consumer.url, concurrency: 1 })
  const after = async (id: number, filter: ContentFilter | null | undefined) => {
    const changed = await endpoints.update(endpoint.id, { filter })
    await raise(host, id, { total: id })
    await host.sender.drain()
    return changed.filter
  }
  await raise(host, 1, { total: 1 })
  expect(await after(2, { 'data.entity.total': 1 })).toEqual({ 'data.entity.total': 1 })
  expect(await after(3, undefined)).toEqual({ 'data.entity.total': 1 })
  expect(await after(4, { 'data.entity.total': { $in: [4, 5] } })).toBeDefined()
  expect(await after(5, null)).toBeUndefined()
  expect(await after(6, {})).toBeUndefined()
  expect(idsIn(consumer.requests)).toEqual([1, 4, 5, 6])
  expect((await endpoints.get(endpoint.id)).filter).toBeUndefined()
  expect((await endpoints.list({ tenantId: 1 }))[0]?.filter).toBeUndefined()
})

it('sees what has changed in a captured table, and what it was', async () => {
  await using host = await startHost()
  await using consumer = await testConsumer()
  await host.engine.captureTable({
    table: 'page',
    entityName: 'Page',
    entityId: 'page_id',
    tenantId: 1,
    siteId: 7,
    data: ['name'],
    before: true,
  })
  const filter: ContentFilter = { $changed: ['name'], 'data.entity.$before.name': 'Draft' }
  await host.sender.endpoints.create({ tenantId: 1, url: consumer.url, filter })
  await host.db
    .insertInto('page')
    .values([
      { page_id: 1, name: 'Draft' },
      { page_id: 2, name: 'Home' },
    ])
    .execute()
  await host.db.updateTable('page').set({ name: 'News' }).execute()
  await host.db.updateTable('page').set({ name: 'Draft' }).execute()
  await host.sender.drain()
  expect(idsIn(consumer.requests)).toEqual([1])
})

it('sees what is rendered, in the version of the endpoint, and nothing that is not', async () => {
  await using host = await startHost({
    payloadVersions: ['1', '2'],
    render: (event, { payloadVersion }) => {
      const { name, secret } = event.data as { name: string; secret: string }
      return payloadVersion === '1' ? { name } : { title: name, hasSecret: secret !== '' }
    },
  })
  await using consumer = await testConsumer()
  const base = consumer.url.replace('/hook', '')
  const create = (path: string, payloadVersion: string, filter: ContentFilter) =>
    host.sender.endpoints.create({ tenantId: 1, url: `${base}/${path}`, payloadVersion, filter })
  await create('old', '1', { 'data.entity.name': 'Ada' })
  await create('old-of-new', '1', { 'data.entity.title': 'Ada' })
  await create('new', '2', { 'data.entity.title': 'Ada', 'data.entity.hasSecret': true })
  await create('hidden', '2', { 'data.entity.secret': { $startsWith: 'h' } })
  await raise(host, 1, { name: 'Ada', secret: 'hunter2' })
  await host.sender.drain()
  expect(consumer.requests.map(({ path }) => path).sort()).toEqual(['/new', '/old'])
})

it('sees the same in each format', async () => {
  await using host = await startHost()
  await using consumer = await testConsumer()
  const base = consumer.url.replace('/hook', '')
  for (const format of ['standard', 'cloudevents-structured', 'cloudevents-binary'] as const) {
    await host.sender.endpoints.create({
      tenantId: 1,
      url: `${base}/${format}`,
      format,
      filter: { type: 'Invoice.Update', timestamp: { $gt: '2026-01-01' }, ...large },
    })
  }
  await raise(host, 1, { total: 99 })
  await raise(host, 2, { total: 200 })
  await host.sender.drain()
  expect(consumer.requests).toHaveLength(3)
  expect(new Set(consumer.requests.map(({ path }) => path)).size).toBe(3)
})

it('sends a test whatever the filter', async () => {
  await using host = await startHost()
  await using consumer = await testConsumer()
  const { endpoint } = await host.sender.endpoints.create({ tenantId: 1, url: consumer.url, filter: large })
  await host.sender.sendTest(endpoint.id)
  await host.sender.drain()
  expect(consumer.requests).toHaveLength(1)
})

it('takes what a filter cannot decide for no match, logs it once, and goes on', async () => {
  const warnings: [Record<string, unknown>, string][] = []
  const logger: Logger = {
    ...silentLogger,
    warn: (fields: unknown, message: unknown) => warnings.push([fields as never, String(message)]),
  }
  await using host = await openHost({ engine: { logger } })
  await using consumer = await testConsumer()
  const { endpoints } = host.sender
  const { endpoint } = await endpoints.create({
    tenantId: 1,
    url: `${consumer.url}/filtered`,
    filter: { 'data.entity.items.n': { $ne: 1 } },
  })
  const { endpoint: broken } = await endpoints.create({
    tenantId: 1,
    url: `${consumer.url}/broken`,
    filter: large,
  })
  await endpoints.create({ tenantId: 1, url: `${consumer.url}/all` })
  await host.run(`update xe_webhook_endpoint set content_filter = '{"$where":"1"}' where id = '${broken.id}'`)
  await host.start()
  const items = Array.from({ length: 12_000 }, () => ({ n: 0 }))
  await raise(host, 1, { items })
  await raise(host, 2, { items })
  await raise(host, 3, { items: [] })
  // An endpoint that changes lets all be read again.
  await endpoints.update(endpoint.id, { description: 'x' })
  await raise(host, 4, { items })
  await host.sender.drain()
  const received = consumer.requests.map(
    ({ path, rawBody }) => `${path} ${JSON.parse(String(rawBody)).data.entityId}`,
  )
  expect(received.sort()).toEqual([
    '/hook/all 1',
    '/hook/all 2',
    '/hook/all 3',
    '/hook/all 4',
    '/hook/filtered 3',
  ])
  const about = warnings
    .filter(([, message]) => message.includes('filter'))
    .map(([fields]) => fields['endpoint'])
  expect(about.sort()).toEqual([endpoint.id, broken.id].sort())
  expect(await host.engine.subscriptions.parked('webhooks')).toEqual([])
})

const jobDone = (host: OpenHost, id: string) =>
  waitFor(async () => {
    const job = await host.sender.jobs.get(id)
    return job.state !== 'running' && job
  }, 'the job to end')

it('replays only what the filter lets through, from the log', async () => {
  await using host = await startHost()
  await using consumer = await testConsumer()
  const { endpoints, deliveries } = host.sender
  for (const [id, total] of [
    [1, 50],
    [2, 150],
    [3, 250],
  ] as const)
    await raise(host, id, { total })
  await host.sender.drain()
  const { endpoint } = await endpoints.create({
    tenantId: 1,
    url: consumer.url,
    filter: large,
    concurrency: 1,
  })
  const replay = async () => {
    const job = await deliveries.replay(endpoint.id, { since: new Date(0), include: 'missing' })
    const done = await jobDone(host, job.id)
    await host.sender.drain()
    return done
  }
  expect(await replay()).toMatchObject({ state: 'succeeded', affected: 2 })
  expect(idsIn(consumer.requests)).toEqual([2, 3])
  await endpoints.update(endpoint.id, { filter: { 'data.entity.total': { $lte: 100 } } })
  expect(await replay()).toMatchObject({ state: 'succeeded', affected: 1 })
  expect(idsIn(consumer.requests)).toEqual([2, 3, 1])
})

it.each(['standard', 'cloudevents-structured', 'cloudevents-binary'] as const)(
  'replays only what the filter lets through, from messages whose events are gone: %s',
  async (format) => {
    await using host = await startHost()
    await using others = await testConsumer()
    await using consumer = await testConsumer()
    const { endpoints, deliveries } = host.sender
    // A path of its own is stored, not sent straight from the log.
    await endpoints.create({ tenantId: 1, url: others.url, format, ordering: 'fifo' })
    for (let id = 1; id <= 60; id++) await raise(host, id, { total: id })
    await host.sender.drain()
    await host.run('delete from xe_sync_event')
    const { endpoint } = await endpoints.create({
      tenantId: 1,
      url: consumer.url,
      format,
      concurrency: 1,
      filter: { type: 'Invoice.Update', timestamp: { $gt: '2026-01-01' }, 'data.entity.total': { $gt: 55 } },
    })
    const job = await deliveries.replay(endpoint.id, { since: new Date(0), include: 'missing' })
    expect(await jobDone(host, job.id)).toMatchObject({ state: 'succeeded', affected: 5 })
    await host.sender.drain()
    expect(consumer.requests).toHaveLength(5)
  },
)

it('recovers what was sent under another filter', async () => {
  await using host = await startHost({ retrySchedule: [0] })
  await using consumer = await testConsumer()
  consumer.answer(500)
  const { endpoints, deliveries } = host.sender
  const { endpoint } = await endpoints.create({ tenantId: 1, url: consumer.url, filter: large })
  await raise(host, 1, { total: 101 })
  await host.sender.drain()
  await endpoints.update(endpoint.id, { filter: { 'data.entity.total': 0 } })
  consumer.answer(204)
  const job = await deliveries.recover(endpoint.id, { since: new Date(0) })
  expect(await jobDone(host, job.id)).toMatchObject({ affected: 1 })
  await host.sender.drain()
  expect(consumer.requests).toHaveLength(2)
})

it('is held to the schemas of the event types when it, they or the version change', async () => {
  await using host = await openHost({ payloadVersions: ['1', '2'] })
  const { endpoints, eventTypes } = host.sender
  eventTypes.define({
    type: 'Invoice.Update',
    description: 'An invoice has changed.',
    schema: { type: 'object', properties: { total: { type: 'number' } } },
    versions: { 1: { schema: { type: 'object', properties: { sum: { type: 'string' } } } } },
  })
  eventTypes.define({ type: 'Page.Update', description: 'A page has changed.' })
  const url = 'https://example.com/hook'
  const create = (filter: object, fields: object = {}) =>
    endpoints.create({
      tenantId: 1,
      url,
      eventTypes: ['Invoice.*'],
      filter: filter as ContentFilter,
      ...fields,
    })
  const { endpoint } = await create(large)
  const invalid = (field: string) => ({ code: 'invalid_filter', field: `filter.${field}` })
  await expect(create({ 'data.entity.totl': 1 })).rejects.toMatchObject(invalid('data.entity.totl'))
  await expect(create({ 'data.entity.total': '1' })).rejects.toMatchObject(invalid('data.entity.total'))
  await expect(create(large, { payloadVersion: '1' })).rejects.toMatchObject(invalid('data.entity.total.$gt'))
  await create({ 'data.entity.sum': '1' }, { payloadVersion: '1' })
  await create({ 'data.entity.anything': 1 }, { eventTypes: ['*'] })
  await create({ 'data.entity.percent': 50 }, { eventTypes: ['WebhookEndpoint.*'] })
  await expect(create({ 'data.entity.x': 50 }, { eventTypes: ['WebhookEndpoint.*'] })).rejects.toMatchObject(
    invalid('data.entity.x'),
  )
  await expect(endpoints.update(endpoint.id, { payloadVersion: '1' })).rejects.toMatchObject(
    invalid('data.entity.total.$gt'),
  )
  await endpoints.update(endpoint.id, { eventTypes: ['Page.*'], filter: { 'data.entity.x': 1 } })
  await expect(endpoints.update(endpoint.id, { eventTypes: ['Invoice.Update'] })).rejects.toMatchObject(
    invalid('data.entity.x'),
  )
  await endpoints.update(endpoint.id, { description: 'Not looked at again' })
  await expect(create([] as never)).rejects.toMatchObject({ code: 'invalid_filter', field: 'filter' })
})
