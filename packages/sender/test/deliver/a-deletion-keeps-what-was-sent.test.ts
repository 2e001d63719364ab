import { EntityNames } from '@x/events-core'
import { type Answer, manualClock, testConsumer, waitFor } from '@x/testkit'
import { expect } from 'vitest'
import { it } from '../each-database.ts'
import { type OpenHost, site, startHost } from '../open-host.ts'

const HOUR_MS = 60 * 60 * 1_000

const raise = (host: OpenHost, id: number) =>
  host.engine.syncManager.addSyncEvent(site, EntityNames.File, id, 'Update')

/** An endpoint whose consumer has one request, and has not responded yet. */
async function inFlight(host: OpenHost, until: 'straight' | 'stored', concurrency = 1) {
  const consumer = await testConsumer()
  const held = Promise.withResolvers<Answer>()
  consumer.answer(() => held.promise)
  const { endpoint } = await host.sender.endpoints.create({ tenantId: 1, url: consumer.url, concurrency })
  for (let id = 1; id <= 3; id++) await raise(host, id)
  await consumer.received(concurrency)
  const isStored = async () => (await host.sender.deliveries.list({ tenantId: 1 })).length === 3
  if (until === 'stored') await waitFor(isStored, 'the deliveries to be stored')
  return { consumer, endpoint, respond: held.resolve }
}

const standing = async (host: OpenHost) =>
  Promise.all(
    (await host.sender.deliveries.list({ tenantId: 1 })).toReversed().map(async ({ id }) => {
      const { state, attemptCount, lastStatus, attempts } = await host.sender.deliveries.get(id)
      return { state, attemptCount, lastStatus, body: attempts.map(({ response }) => response?.body) }
    }),
  )

const untouched = { state: 'cancelled', attemptCount: 0, lastStatus: undefined, body: [] }

for (const until of ['straight', 'stored'] as const) {
  it.each([
    [200, 'succeeded'],
    [500, 'cancelled'],
  ] as const)(
    `records a request (${until}) that ends with %i once its endpoint is deleted`,
    async (status, state) => {
      await using host = await startHost()
      const { consumer, endpoint, respond } = await inFlight(host, until)
      await using _consumer = consumer
      await host.sender.endpoints.delete(endpoint.id)
      respond({ status, body: 'had it' })
      const sent = { state, attemptCount: 1, lastStatus: status, body: ['had it'] }
      // What went straight is listed by when it was recorded.
      const wasSent = ({ attemptCount }: { readonly attemptCount: number }) => attemptCount > 0
      await waitFor(async () => (await standing(host)).some(wasSent), 'the record')
      await host.sender.drain()
      const all = await standing(host)
      expect(all.filter(wasSent)).toEqual([sent])
      for (const other of all.filter((one) => !wasSent(one))) expect(other).toEqual(untouched)
      expect(consumer.requests).toHaveLength(1)
    },
  )
}

it('records it where another node deletes the endpoint', async () => {
  await using host = await startHost({ leaseMs: 500, sharesConnection: true })
  await using other = await host.openAnother()
  const { consumer, endpoint, respond } = await inFlight(host, 'stored')
  await using _consumer = consumer
  await other.sender.endpoints.delete(endpoint.id)
  const [lease] = await host.run<{ leased_until: number }>('select leased_until from xe_webhook_queue')
  await waitFor(() => Date.now() > Number(lease?.leased_until), 'the lease that it was sent under to be over')
  respond({ status: 200, body: 'had it' })
  const succeeded = async () => (await standing(host)).filter(({ state }) => state === 'succeeded')
  await waitFor(async () => (await succeeded()).length > 0, 'the record')
  expect(await succeeded()).toMatchObject([{ attemptCount: 1, body: ['had it'] }])
  expect(consumer.requests).toHaveLength(1)
})

it('records nothing more of a tenant that is purged', async () => {
  for (const until of ['straight', 'stored'] as const) {
    await using host = await startHost()
    const { consumer, endpoint, respond } = await inFlight(host, until)
    await using _consumer = consumer
    await host.sender.endpoints.delete(endpoint.id)
    await host.sender.purgeTenant(1)
    respond({ status: 200, body: 'had it' })
    await host.sender.drain()
    for (const table of ['endpoint', 'delivery', 'attempt', 'message', 'queue'])
      expect(await host.run(`select * from xe_webhook_${table}`), table).toEqual([])
  }
})

it('leaves nothing of the lease behind', async () => {
  const clock = manualClock()
  await using host = await startHost({ engine: { clock } })
  const { consumer, endpoint, respond } = await inFlight(host, 'straight')
  await using _consumer = consumer
  await host.sender.endpoints.delete(endpoint.id)
  expect(await host.run('select * from xe_webhook_queue')).toHaveLength(1)
  respond({ status: 200 })
  await host.sender.drain()
  clock.jump(2 * HOUR_MS)
  await host.sender.stop()
  await host.sender.start()
  await waitFor(async () => {
    clock.jump(HOUR_MS)
    return (await host.run('select * from xe_webhook_queue')).length === 0
  }, 'the row in the queue to go')
})
