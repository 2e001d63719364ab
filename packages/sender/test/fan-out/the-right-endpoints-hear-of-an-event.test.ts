import { ALL_SITES, ALL_TENANTS } from '@x/events-core'
import { testConsumer, waitFor } from '@x/testkit'
import { expect } from 'vitest'
import { it } from '../each-database.ts'
import { type OpenHost, openHost, site, startHost } from '../open-host.ts'

async function pathsOf(host: OpenHost, consumer: { requests: readonly { path: string }[] }) {
  await host.sender.drain()
  return consumer.requests.map(({ path }) => path.slice(1)).sort()
}

it('chooses by tenant, site and event type', async () => {
  await using host = await startHost()
  await using consumer = await testConsumer()
  const base = consumer.url.replace('/hook', '')
  const { endpoints } = host.sender
  await endpoints.create({ tenantId: 1, url: `${base}/all` })
  await endpoints.create({ tenantId: 1, siteId: 7, url: `${base}/site-7` })
  await endpoints.create({ tenantId: 1, siteId: 8, url: `${base}/site-8` })
  await endpoints.create({ tenantId: 1, eventTypes: ['File.Download'], url: `${base}/exact` })
  await endpoints.create({ tenantId: 1, eventTypes: ['File.*'], url: `${base}/entity` })
  await endpoints.create({ tenantId: 1, eventTypes: ['Page.*', '*.Delete'], url: `${base}/others` })
  await endpoints.create({ tenantId: 2, url: `${base}/tenant-2` })

  await host.engine.syncManager.addSyncEvent(site, 'File', 1, 'Download')
  expect(await pathsOf(host, consumer)).toEqual(['all', 'entity', 'exact', 'site-7'])
})

it('sends what concerns every tenant to every tenant', async () => {
  await using host = await startHost()
  await using consumer = await testConsumer()
  const base = consumer.url.replace('/hook', '')
  const { endpoints } = host.sender
  await endpoints.create({ tenantId: 1, url: `${base}/tenant-1` })
  await endpoints.create({ tenantId: 2, siteId: 9, url: `${base}/tenant-2-site-9` })
  await endpoints.create({ tenantId: 2, eventTypes: ['File.*'], url: `${base}/no` })
  await host.engine.syncManager.addSyncEvent(
    { tenantId: ALL_TENANTS, siteId: ALL_SITES },
    'Host',
    -1,
    'Reload',
  )
  expect(await pathsOf(host, consumer)).toEqual(['tenant-1', 'tenant-2-site-9'])
})

it('sends one body to many endpoints, stored once', async () => {
  await using host = await startHost()
  await using consumer = await testConsumer()
  for (let index = 0; index < 20; index++) {
    // In order: otherwise nothing has to be stored.
    await host.sender.endpoints.create({ tenantId: 1, url: `${consumer.url}/${index}`, ordering: 'fifo' })
  }
  await host.engine.syncManager.addSyncEvent(site, 'File', 1, 'Download')
  await host.sender.drain()
  expect(new Set(consumer.requests.map(({ rawBody }) => String(rawBody))).size).toBe(1)
  expect(new Set(consumer.requests.map(({ path }) => path)).size).toBe(20)
  expect(await host.run('select * from xe_webhook_message')).toHaveLength(1)
})

it('stores nothing of an event that no endpoint wants', async () => {
  await using host = await startHost()
  await host.engine.syncManager.addSyncEvent(site, 'File', 1, 'Download')
  await host.sender.drain()
  expect(await host.run('select * from xe_webhook_message')).toEqual([])
})

it('sends nothing of a transaction that was rolled back', async () => {
  await using host = await startHost()
  await using consumer = await testConsumer()
  await host.sender.endpoints.create({ tenantId: 1, url: consumer.url })
  const failing = host.engine.transaction(async ({ trx, raise }) => {
    await trx.insertInto('page').values({ page_id: 1, name: 'Home' }).execute()
    await raise(site, 'Page', 1, 'Create')
    throw new Error('changed my mind')
  })
  await expect(failing).rejects.toThrow('changed my mind')
  await host.engine.syncManager.addSyncEvent(site, 'File', 2, 'Download')
  await host.sender.drain()
  expect(consumer.requests.map(({ rawBody }) => JSON.parse(String(rawBody)).type)).toEqual(['File.Download'])
})

it('covers what is raised after migrate(), before anything was started, in either order', async () => {
  for (const first of ['engine', 'sender'] as const) {
    await using host = await openHost()
    await using consumer = await testConsumer()
    await host.sender.endpoints.create({ tenantId: 1, url: consumer.url })
    await host.engine.syncManager.addSyncEvent(site, 'File', 1, 'Download')
    if (first === 'engine') {
      await host.engine.start()
      await host.engine.syncManager.addSyncEvent(site, 'File', 2, 'Download')
      await host.sender.start()
    } else {
      await host.sender.start()
      await host.engine.syncManager.addSyncEvent(site, 'File', 2, 'Download')
      await host.engine.start()
    }
    await consumer.received(2)
  }
})

it('starts again after it was stopped, and sends what was raised meanwhile', async () => {
  await using host = await startHost()
  await using consumer = await testConsumer()
  await host.sender.endpoints.create({ tenantId: 1, url: consumer.url })
  await host.sender.stop()
  await host.engine.syncManager.addSyncEvent(site, 'File', 1, 'Download')
  await host.sender.start()
  await consumer.received(1)
  await host.sender.drain()
  expect(consumer.requests).toHaveLength(1)
})

it('parks an event whose message is too large, and goes on with the others', async () => {
  await using host = await startHost({ maxBodyBytes: 2_000 })
  await using consumer = await testConsumer()
  await host.sender.endpoints.create({ tenantId: 1, url: consumer.url })
  await host.engine.transaction(async ({ raise }) => {
    await raise(site, 'File', 1, 'Download', { data: 'x'.repeat(2_000) })
    await raise(site, 'File', 2, 'Download', { data: 'é'.repeat(900) })
    await raise(site, 'File', 3, 'Download')
  })
  await consumer.received(1)
  const [parked] = await waitFor(async () => {
    const events = await host.engine.subscriptions.parked('webhooks')
    return events.length === 1 && events
  }, 'the parked event')
  expect(parked?.event.entityId).toBe(1)
  expect(parked?.error).toContain('maxBodyBytes')
  await host.sender.drain()
  expect(consumer.requests).toHaveLength(2)
})
