import type { IServiceScope, IServiceScopeFactory } from '@x/events-core'
import { testConsumer, waitFor } from '@x/testkit'
import { expect } from 'vitest'
import { it } from '../each-database.ts'
import { openHost, site, startHost } from '../open-host.ts'

const quick = { maxAttempts: 2, firstDelayMs: 1 }
const entities = (requests: readonly { rawBody: Buffer }[]) =>
  requests.map(({ rawBody }) => JSON.parse(String(rawBody)).data.entity)

it('renders once what every attempt to every endpoint carries, with the database free to be read', async () => {
  const rendered: string[] = []
  await using host = await openHost({
    retrySchedule: [0, 0],
    render: async (event) => {
      rendered.push(event.id)
      const page = await host.db
        .selectFrom('page')
        .selectAll()
        .where('page_id', '=', Number(event.entityId))
        .executeTakeFirst()
      return { ...page, seen: rendered.length, at: new Date(0), nothing: undefined }
    },
  })
  await using first = await testConsumer()
  await using second = await testConsumer()
  first.answer(() => (first.requests.length === 1 ? 500 : 204))
  await host.db.insertInto('page').values({ page_id: 3, name: 'Home' }).execute()
  for (const { url } of [first, second]) await host.sender.endpoints.create({ tenantId: 1, url })
  await host.start()
  await host.engine.syncManager.addSyncEvent(site, 'Page', 3, 'Update', { data: { thin: true } })

  const entity = { page_id: 3, name: 'Home', seen: 1, at: '1970-01-01T00:00:00.000Z' }
  expect(entities(await first.received(2))).toEqual([entity, entity])
  expect(entities(await second.received(1))).toEqual([entity])
  expect(rendered).toHaveLength(1)
})

it('renders only what somebody wants, and leaves what a render does not answer for', async () => {
  const rendered: string[] = []
  const render =
    (name: string) =>
    (_event: unknown, { eventType }: { eventType: string }) => {
      rendered.push(`${name} ${eventType}`)
      return name === 'file' ? undefined : name
    }
  await using host = await startHost({
    render: {
      '*': render('any'),
      '*.Delete': render('delete'),
      'File.*': render('file'),
      'File.Delete': render('gone'),
    },
  })
  await using consumer = await testConsumer()
  const eventTypes = ['File.*', 'Page.Delete', 'Site.Update']
  await host.sender.endpoints.create({ tenantId: 1, url: consumer.url, eventTypes })
  await host.engine.transaction(async ({ raise }) => {
    await raise(site, 'File', 1, 'Create', { data: 'as it is' })
    await raise(site, 'File', 2, 'Delete')
    await raise(site, 'Page', 3, 'Delete')
    await raise(site, 'Page', 4, 'Create')
    await raise({ tenantId: 2, siteId: 7 }, 'File', 5, 'Create')
    await raise(site, 'Site', 6, 'Update')
  })
  expect(entities(await consumer.received(4))).toEqual(
    expect.arrayContaining(['as it is', 'gone', 'delete', 'any']),
  )
  expect(rendered.sort()).toEqual([
    'any Site.Update',
    'delete Page.Delete',
    'file File.Create',
    'gone File.Delete',
  ])
})

it('gives each rendering a scope of its own, and disposes of it', async () => {
  const log: string[] = []
  let scopes = 0
  const services: IServiceScopeFactory = {
    createScope(): IServiceScope {
      const number = ++scopes
      return {
        resolve: <TService>(name: string) => `${name} ${number}` as TService,
        async [Symbol.asyncDispose]() {
          log.push(`disposed ${number}`)
        },
      }
    },
  }
  const used = new Set<string>()
  await using host = await startHost({
    engine: { services },
    render: async (_event, { scope, signal }) => {
      signal.throwIfAborted()
      const service = scope?.resolve<string>('pages') ?? ''
      used.add(service.replace('pages', 'disposed'))
      return service
    },
  })
  await using consumer = await testConsumer()
  await host.sender.endpoints.create({ tenantId: 1, url: consumer.url })
  await host.engine.transaction(async ({ raise }) => {
    for (const id of [1, 2]) await raise(site, 'Page', id, 'Update')
  })
  await consumer.received(2)
  expect(used.size).toBe(2)
  expect(log).toEqual(expect.arrayContaining([...used]))
})

it.each<[string, (signal: AbortSignal) => unknown, string]>([
  ['throws', () => Promise.reject(new Error('no such page')), 'no such page'],
  ['takes for ever', () => new Promise(() => {}), 'options.renderTimeoutMs'],
  ['gives what JSON cannot hold', () => 1n, 'BigInt'],
])('parks an event whose rendering %s, and goes on with the others', async (_what, fail, message) => {
  let tries = 0
  await using host = await startHost({
    renderRetry: quick,
    renderTimeoutMs: 50,
    render: (event, { signal }) => {
      if (event.entityId !== 2) return { id: event.entityId }
      tries += 1
      return fail(signal)
    },
  })
  await using consumer = await testConsumer()
  await host.sender.endpoints.create({ tenantId: 1, url: consumer.url })
  await host.engine.transaction(async ({ raise }) => {
    for (const id of [1, 2, 3]) await raise(site, 'Page', id, 'Update')
  })
  expect(entities(await consumer.received(2))).toEqual([{ id: 1 }, { id: 3 }])
  const parked = await waitFor(async () => {
    const list = await host.engine.subscriptions.parked('webhooks')
    return list.length > 0 && list
  }, 'the parked event')
  expect(parked).toMatchObject([{ event: { entityId: 2 }, error: expect.stringContaining(message) }])
  // The batch's, and then its own two.
  expect(tries).toBe(3)
})

it('sends a parked event once its rendering works and it is resumed', async () => {
  let works = false
  await using host = await startHost({
    renderRetry: quick,
    render: () => {
      if (!works) throw new Error('not yet')
      return 'rendered'
    },
  })
  await using consumer = await testConsumer()
  await host.sender.endpoints.create({ tenantId: 1, url: consumer.url })
  await host.engine.syncManager.addSyncEvent(site, 'Page', 1, 'Update')
  const isParked = async () => (await host.engine.subscriptions.parked('webhooks')).length === 1
  await waitFor(isParked, 'the parked event')
  works = true
  await host.engine.subscriptions.resume('webhooks')
  expect(entities(await consumer.received(1))).toEqual(['rendered'])
})

it('renders an event in each version that is wanted, and no other', async () => {
  const rendered: string[] = []
  await using host = await startHost({
    payloadVersions: ['v1', 'v2', 'v3'],
    render: (_event, { payloadVersion }) => {
      rendered.push(payloadVersion ?? 'none')
      return { version: payloadVersion }
    },
  })
  await using consumer = await testConsumer()
  const { endpoints } = host.sender
  const create = (path: string, more: object = {}) =>
    endpoints.create({ tenantId: 1, url: `${consumer.url}?${path}`, ...more })
  const { endpoint: old } = await create('old', { payloadVersion: 'v1' })
  const { endpoint: latest } = await create('latest')
  await create('structured', { payloadVersion: 'v1', format: 'cloudevents-structured' })
  expect([old.payloadVersion, latest.payloadVersion]).toEqual(['v1', 'v3'])
  await host.engine.syncManager.addSyncEvent(site, 'Page', 1, 'Update')
  const byPath = async (count: number) => {
    const requests = (await consumer.received(count)).slice(count - 3)
    return Object.fromEntries(
      requests.map(({ path, rawBody }) => [
        path.split('?')[1],
        JSON.parse(String(rawBody)).data.entity.version,
      ]),
    )
  }
  expect(await byPath(3)).toEqual({ old: 'v1', latest: 'v3', structured: 'v1' })
  expect(rendered.sort()).toEqual(['v1', 'v3'])

  await endpoints.update(old.id, { payloadVersion: 'v2' })
  await host.engine.syncManager.addSyncEvent(site, 'Page', 1, 'Update')
  expect(await byPath(6)).toEqual({ old: 'v2', latest: 'v3', structured: 'v1' })
})

it('leaves endpoints where they are when versions come and go', async () => {
  await using before = await openHost()
  await using consumer = await testConsumer()
  const render = (_event: unknown, { payloadVersion }: { payloadVersion?: string }) => payloadVersion
  const url = (path: string) => `${consumer.url}?${path}`
  await before.sender.endpoints.create({ tenantId: 1, url: url('from before') })
  await using second = await before.openAnother({
    render,
    payloadVersions: ['v1', 'v2'],
    defaultPayloadVersion: 'v1',
  })
  await second.sender.endpoints.create({ tenantId: 1, url: url('of v1') })
  await second.sender.endpoints.create({ tenantId: 1, url: url('of v2'), payloadVersion: 'v2' })
  await using third = await before.openAnother({ render, payloadVersions: ['v2', 'v3'] })
  const { endpoint } = await third.sender.endpoints.create({
    tenantId: 1,
    url: url('moved'),
    payloadVersion: 'v2',
  })
  const moved = await third.sender.endpoints.update(endpoint.id, { payloadVersion: null })
  expect(moved.payloadVersion).toBe('v3')
  await third.start()
  await third.engine.syncManager.addSyncEvent(site, 'Page', 1, 'Update')
  const requests = await consumer.received(4)
  const got = requests.map(({ path, rawBody }) => [
    decodeURIComponent(path.split('?')[1] ?? ''),
    JSON.parse(String(rawBody)).data.entity,
  ])
  expect(Object.fromEntries(got)).toEqual({ 'from before': 'v2', 'of v1': 'v2', 'of v2': 'v2', moved: 'v3' })
})

it('renders for an endpoint that comes while a batch is being rendered', async () => {
  const entered = Promise.withResolvers<void>()
  const goOn = Promise.withResolvers<void>()
  const rendered: string[] = []
  await using host = await startHost({
    payloadVersions: ['v1', 'v2'],
    render: async (_event, { payloadVersion = '' }) => {
      rendered.push(payloadVersion)
      entered.resolve()
      await goOn.promise
      return payloadVersion
    },
  })
  await using consumer = await testConsumer()
  const { endpoints } = host.sender
  await endpoints.create({ tenantId: 1, url: consumer.url, payloadVersion: 'v1' })
  await host.engine.syncManager.addSyncEvent(site, 'Page', 1, 'Update')
  await entered.promise
  await endpoints.create({ tenantId: 1, url: consumer.url, payloadVersion: 'v2' })
  goOn.resolve()
  expect(entities(await consumer.received(2)).sort()).toEqual(['v1', 'v2'])
  expect(rendered).toEqual(['v1', 'v2'])
  expect(await host.engine.subscriptions.parked('webhooks')).toEqual([])
  expect((await host.engine.stats()).failed).toBe(0)
})

it('does not ask a host to render the events of the sender', async () => {
  const types: string[] = []
  await using host = await startHost({
    retrySchedule: [0],
    render: (_event, { eventType }) => {
      types.push(eventType)
      return 'rendered'
    },
  })
  await using failing = await testConsumer()
  await using operations = await testConsumer()
  failing.answer(500)
  const { endpoints } = host.sender
  await endpoints.create({ tenantId: 1, url: failing.url, eventTypes: ['Page.*'] })
  await endpoints.create({ tenantId: 1, url: operations.url, eventTypes: ['WebhookDelivery.*'] })
  await host.engine.syncManager.addSyncEvent(site, 'Page', 1, 'Update')
  const [told] = await operations.received(1)
  expect(JSON.parse(String(told?.rawBody)).data.entity).toMatchObject({ eventType: 'Page.Update' })
  expect(types).toEqual(['Page.Update'])
})
