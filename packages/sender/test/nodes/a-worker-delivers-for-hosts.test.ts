import { createEventEngine } from '@x/events-engine'
import { testConsumer, waitFor } from '@x/testkit'
import { expect, it } from 'vitest'
import { createWebhookWorker, type WebhookWorkerOptions } from '../../src/index.ts'
import { it as onEachDatabase, onPostgres } from '../each-database.ts'
import {
  encryptionKey,
  type HostOptions,
  type HostTables,
  type OpenHost,
  openHost,
  site,
} from '../open-host.ts'
import { startNode } from '../processes/start-node.ts'

/** Nobody is waited for: what is not told of is not found in the time of a test. */
const NEVER = 600_000

/** A worker beside a host, on connections of its own. */
async function startWorker(host: OpenHost, options: Partial<WebhookWorkerOptions<HostTables>> = {}) {
  const { db, postgres } = host.connect()
  const engine = createEventEngine<HostTables>({ db, ...(postgres ? { postgres } : {}), pollMaxMs: 50 })
  const worker = createWebhookWorker<HostTables>({
    engine,
    encryptionKey,
    network: { allow: ['127.0.0.0/8'] },
    pollMaxMs: 50,
    ...options,
  })
  await worker.start()
  await engine.start()
  return {
    worker,
    async [Symbol.asyncDispose]() {
      await worker.stop()
      await engine.stop()
      await db.destroy()
    },
  }
}

onEachDatabase(
  'sends nothing from a host that leaves it to others, and everything from a worker',
  async () => {
    await using host = await openHost({ deliver: false })
    await using consumer = await testConsumer()
    await host.start()
    const { endpoint } = await host.sender.endpoints.create({ tenantId: 1, url: consumer.url })
    await host.engine.syncManager.addSyncEvent(site, 'File', 1, 'Download')
    await waitFor(async () => (await host.sender.stats()).deliveries.pending === 1, 'the delivery')
    await host.sender.sendTest(endpoint.id)
    expect(await host.run('select 1 from xe_webhook_queue where leased_by is not null')).toEqual([])
    expect(consumer.requests).toEqual([])

    await using other = await startWorker(host)
    await host.sender.drain()
    expect(consumer.requests).toHaveLength(2)
    expect((await other.worker.stats()).sinceStart.succeeded).toBe(2)
    expect((await host.sender.stats()).sinceStart.attempts).toBe(0)
  },
)

onEachDatabase('turns events into deliveries on either side, or on none', async () => {
  const host: HostOptions = { deliver: false, fanOut: false }
  await using quiet = await openHost(host)
  await using consumer = await testConsumer()
  await quiet.start()
  await quiet.sender.endpoints.create({ tenantId: 1, url: consumer.url })
  await quiet.engine.syncManager.addSyncEvent(site, 'File', 1, 'Download')
  await using idle = await startWorker(quiet)
  await idle.worker.stats()
  expect((await quiet.sender.stats()).deliveries.pending).toBe(0)

  await using busy = await startWorker(quiet, { fanOut: true })
  await consumer.received(1)
  await busy.worker.drain()
  expect(consumer.requests).toHaveLength(1)
})

it('is woken by hosts, whatever they do that makes something due', () =>
  onPostgres(async () => {
    await using host = await openHost({ deliver: false, retrySchedule: [0, NEVER / 1_000] })
    await using consumer = await testConsumer()
    await host.start()
    const { endpoint } = await host.sender.endpoints.create({ tenantId: 1, url: consumer.url })
    await using worker = await startWorker(host, {
      pollMaxMs: NEVER,
      leaseMs: NEVER,
      retrySchedule: [0, NEVER / 1_000],
    })
    // It has looked once when it has something to do for the first time.
    await host.engine.syncManager.addSyncEvent(site, 'File', 1, 'Download')
    await consumer.received(1)
    await host.engine.transaction(({ raise }) => raise(site, 'File', 2, 'Download'))
    await consumer.received(2)
    await host.sender.sendTest(endpoint.id)
    await consumer.received(3)

    const attempted = (state: 'pending' | 'succeeded', count: number) =>
      waitFor(async () => {
        const deliveries = await host.sender.deliveries.list({ tenantId: 1, state })
        return deliveries.filter(({ attemptCount }) => attemptCount > 0).length === count && deliveries
      }, `${count} ${state}`)
    await attempted('succeeded', 3)
    // The worker holds the endpoint, and knows that it is to be left alone for a while.
    consumer.answer(() => ({ status: 503, headers: { 'retry-after': '500' } }))
    await host.engine.syncManager.addSyncEvent(site, 'File', 4, 'Download')
    const [failed] = await attempted('pending', 1)
    consumer.answer(204)
    await host.sender.deliveries.resend(failed?.id ?? '')
    await consumer.received(5)
    await attempted('succeeded', 4)

    await host.sender.endpoints.disable(endpoint.id)
    await host.sender.endpoints.enable(endpoint.id)
    await host.sender.sendTest(endpoint.id)
    await consumer.received(6)
    expect((await worker.worker.stats()).sinceStart.attempts).toBeGreaterThanOrEqual(5)
  }))

it('hears at once of endpoints that hosts have changed, although it holds their leases for long', () =>
  onPostgres(async () => {
    await using host = await openHost({ deliver: false })
    await using consumer = await testConsumer()
    await host.start()
    const { endpoint } = await host.sender.endpoints.create({ tenantId: 1, url: `${consumer.url}/old` })
    await using worker = await startWorker(host, { pollMaxMs: NEVER, leaseMs: NEVER })
    const raise = (id: number) => host.engine.syncManager.addSyncEvent(site, 'File', id, 'Download')
    await raise(0)
    await consumer.received(1)

    await host.sender.endpoints.update(endpoint.id, { url: `${consumer.url}/new` })
    await waitFor(async () => {
      const sent = consumer.requests.length
      await raise(sent)
      const requests = await consumer.received(sent + 1)
      return requests.at(-1)?.path.endsWith('/new')
    }, 'a request to the new URL')

    await host.sender.endpoints.disable(endpoint.id)
    const isFree = async () =>
      (await host.run('select from xe_webhook_queue where leased_by is not null')).length === 0
    await waitFor(isFree, 'the worker to let go of the endpoint')
    expect((await worker.worker.stats()).sinceStart.failed).toBe(0)
  }))

it(
  'works in a process of its own, and hands what it holds to another when it is stopped',
  () =>
    onPostgres(async () => {
      await using host = await openHost({ deliver: false })
      await using consumer = await testConsumer()
      await host.start()
      await host.sender.endpoints.create({ tenantId: 1, url: consumer.url, ordering: 'fifo' })
      const options = { url: host.url, isWorker: true, leaseMs: NEVER, pollMaxMs: 100 }
      await using first = startNode(options)
      await first.isUp()
      await host.engine.syncManager.addSyncEvent(site, 'File', 1, 'Download')
      await consumer.received(1)
      await using second = startNode(options)
      await second.isUp()
      await first.have('stop')
      // Its lease would last for minutes.
      await host.engine.syncManager.addSyncEvent(site, 'File', 2, 'Download')
      await consumer.received(2)
      const agents = consumer.requests.map(({ headers }) => headers['user-agent'])
      expect(agents).toEqual([first.name, second.name])
    }),
  240_000,
)
