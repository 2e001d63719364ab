import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { startProcess, temporaryFolder, testConsumer, waitFor } from '@x/testkit'
import { expect, it as itOnce } from 'vitest'
import { createWebhookSender } from '../../src/index.ts'
import { it } from '../each-database.ts'
import { encryptionKey, site, startHost } from '../open-host.ts'

it('lets attempts under way end, records them, begins no other, and hands leases back', async () => {
  await using host = await startHost()
  await using consumer = await testConsumer()
  const answers: (() => void)[] = []
  consumer.answer(() => new Promise((resolve) => answers.push(() => resolve(204))))
  await host.sender.endpoints.create({ tenantId: 1, url: consumer.url, concurrency: 4 })
  await host.engine.transaction(async ({ raise }) => {
    for (let id = 0; id < 20; id++) await raise(site, 'File', id, 'Download')
  })
  await waitFor(() => answers.length === 4, 'the first attempts')
  const stopping = host.sender.stop()
  consumer.answer(204)
  for (const answer of answers) answer()
  await stopping
  expect(consumer.requests).toHaveLength(4)
  const inState = (name: string) => host.run(`select * from xe_webhook_delivery where state = '${name}'`)
  expect(await inState('succeeded')).toHaveLength(4)
  expect(await inState('pending')).toHaveLength(16)
  expect(await host.run('select leased_by from xe_webhook_queue')).toEqual([{ leased_by: null }])

  await host.sender.start()
  await host.sender.drain()
  expect(consumer.requests).toHaveLength(20)
  expect(new Set(consumer.requests.map(({ headers }) => headers['webhook-id'])).size).toBe(20)
})

it('gives up what does not end in time, unrecorded, and repeats it later', async () => {
  await using host = await startHost({ stopTimeoutMs: 30 })
  await using consumer = await testConsumer()
  let letGo = () => {}
  consumer.answer(() => new Promise((resolve) => (letGo = () => resolve(204))))
  await host.sender.endpoints.create({ tenantId: 1, url: consumer.url })
  await host.engine.syncManager.addSyncEvent(site, 'File', 1, 'Download')
  await consumer.received(1)
  await host.sender.stop()
  letGo()
  expect(await host.sender.deliveries.list({ tenantId: 1 })).toMatchObject([
    { state: 'pending', attemptCount: 0 },
  ])
  consumer.answer(204)
  await host.sender.start()
  await host.sender.drain()
  const ids = consumer.requests.map(({ headers }) => headers['webhook-id'])
  expect(ids).toEqual([ids[0], ids[0]])
})

it('sends nothing again that it has cut off, although an earlier response came over the same connection', async () => {
  await using host = await startHost({ stopTimeoutMs: 30 })
  await using consumer = await testConsumer()
  const { endpoint } = await host.sender.endpoints.create({ tenantId: 1, url: consumer.url, concurrency: 1 })
  await host.engine.syncManager.addSyncEvent(site, 'File', 1, 'Download')
  await host.sender.drain()
  consumer.answer(() => new Promise(() => {}))
  await host.engine.syncManager.addSyncEvent(site, 'File', 2, 'Download')
  await consumer.received(2)
  await host.sender.stop()
  consumer.answer(204)
  // It would have been sent again at once, before this one.
  await fetch(`${consumer.url}/after`)
  expect(consumer.requests.map(({ path }) => path)).toEqual(['/hook', '/hook', '/hook/after'])
  expect(endpoint.enabled).toBe(true)
})

it('may be started and stopped in any order, any number of times', async () => {
  await using host = await startHost()
  await Promise.all([host.sender.stop(), host.sender.start(), host.sender.stop(), host.sender.start()])
  await host.sender.start()
  await using consumer = await testConsumer()
  await host.sender.endpoints.create({ tenantId: 1, url: consumer.url })
  await host.engine.syncManager.addSyncEvent(site, 'File', 1, 'Download')
  await consumer.received(1)
  await host.engine.stop()
  await host.sender.stop()
  await host.sender.stop()
  await expect(host.sender.drain()).rejects.toMatchObject({ code: 'not_running' })
})

it('shares the endpoints between processes on one database, each delivery once', async () => {
  // Longer than a busy machine stands still: a lease that runs out repeats what was under way.
  await using host = await startHost({ leaseMs: 5_000 })
  await using consumer = await testConsumer()
  for (let index = 0; index < 4; index++) {
    await host.sender.endpoints.create({ tenantId: 1, url: `${consumer.url}/${index}` })
  }
  await using other = await host.openAnother()
  await other.start()
  for (let id = 0; id < 50; id++) await host.engine.syncManager.addSyncEvent(site, 'File', id, 'Download')
  await consumer.received(200)
  await host.sender.drain()
  await other.sender.drain()
  expect(consumer.requests).toHaveLength(200)
  // Whoever stays takes over at once what the other hands back.
  await host.sender.stop()
  await host.engine.stop()
  await other.engine.syncManager.addSyncEvent(site, 'File', 99, 'Download')
  await consumer.received(204)
})

itOnce('leaves nothing behind, and takes nothing from another, where it cannot start', async () => {
  await using folder = await temporaryFolder()
  await using consumer = await testConsumer()
  const host = new URL('../processes/refused-start-host.ts', import.meta.url)
  const key = randomBytes(32).toString('base64')
  await using running = startProcess(host, join(folder.path, 'host.db'), key, consumer.url)
  await waitFor(() => running.ended !== undefined, 'the end of the process', 60_000)
  expect(running.lines, running.errors).toEqual(['duplicate_subscription', 'drained'])
  expect(running.ended).toMatchObject({ code: 0 })
  expect(consumer.requests).toHaveLength(1)
})

it('starts after a start that failed, and delivers', async () => {
  await using host = await startHost()
  await using consumer = await testConsumer()
  const network = { allow: ['127.0.0.0/8'] }
  const sender = createWebhookSender({ engine: host.engine, encryptionKey, network, pollMaxMs: 50 })
  await expect(sender.start()).rejects.toMatchObject({ code: 'duplicate_subscription' })
  await host.sender.stop()
  await sender.start()
  try {
    await sender.endpoints.create({ tenantId: 1, url: consumer.url })
    await host.engine.syncManager.addSyncEvent(site, 'File', 1, 'Download')
    await sender.drain()
    expect(consumer.requests).toHaveLength(1)
  } finally {
    await sender.stop()
  }
})
