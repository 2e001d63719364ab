import { EntityNames } from '@x/events-core'
import { testConsumer, waitFor } from '@x/testkit'
import { Kysely } from 'kysely'
import { expect, onTestFinished, vi } from 'vitest'
import { it } from '../each-database.ts'
import { type OpenHost, site, startHost } from '../open-host.ts'

const raise = (host: OpenHost, id: number, text = '') =>
  host.engine.syncManager.addSyncEvent(site, EntityNames.Page, id, 'Update', { data: { text } })

const DUE_DELIVERIES = /\btried\b.*\bm\.key = x\.message_key/s
/** A look for what others have stored, by a timer. */
const DUE_ENDPOINTS = /^select endpoint_key from \S+ where leased_by = \S+ and due_on <= /

/** Counts statements. */
function countReads(): (statement: RegExp) => number {
  const spy = vi.spyOn(Kysely.prototype, 'executeQuery')
  onTestFinished(() => spy.mockRestore())
  return (statement) =>
    spy.mock.calls.filter(([query]) => statement.test((query as { readonly sql: string }).sql)).length
}

it('sends what a commit has brought without reading it, once it knows the endpoint', async () => {
  await using consumer = await testConsumer()
  await using host = await startHost()
  // Limited, so that they are stored; one in order has to be read.
  const rateLimit = { limit: 1_000, perSeconds: 1 }
  const { endpoint } = await host.sender.endpoints.create({
    tenantId: 1,
    url: consumer.url,
    ordering: 'fifo',
  })
  const reads = countReads()
  let sent = 0
  const readsOf = async () => {
    const before = reads(DUE_DELIVERIES)
    await raise(host, sent++)
    await consumer.received(sent)
    const needed = reads(DUE_DELIVERIES) - before
    await host.sender.drain()
    return needed
  }
  expect(await readsOf()).toBeGreaterThan(0)
  await host.sender.endpoints.update(endpoint.id, { ordering: 'none', rateLimit })
  // A look for what others have stored may come between.
  await waitFor(async () => (await readsOf()) === 0, 'a delivery that was not read')
  const page = await host.sender.deliveries.list({ tenantId: 1 })
  expect(page).toHaveLength(sent)
  for (const delivery of page) expect(delivery).toMatchObject({ state: 'succeeded', attemptCount: 1 })
})

it('sends the next in order by the commit of the one before, without reading it', async () => {
  await using consumer = await testConsumer()
  await using host = await startHost()
  await host.sender.endpoints.create({ tenantId: 1, url: consumer.url, ordering: 'fifo' })
  const open = Promise.withResolvers<number>()
  consumer.answer(() => open.promise)
  const ids = Array.from({ length: 40 }, (_, index) => index)
  for (const id of ids) await raise(host, id)
  await waitFor(async () => (await host.sender.stats()).deliveries.pending === ids.length, 'the fan-out')
  const reads = countReads()
  open.resolve(204)
  await consumer.received(ids.length)
  const order = consumer.requests.map(({ rawBody }) => JSON.parse(String(rawBody)).data.entityId as number)
  expect(order).toEqual(ids)
  // A look has the endpoint read that it finds due: the more often, the longer all of it takes.
  expect(reads(DUE_DELIVERIES) - reads(DUE_ENDPOINTS)).toBeLessThan(ids.length / 4)
})

it('reads what waits before it sends what is new', async () => {
  await using consumer = await testConsumer()
  // All of it is stored first: what would have gone straight may be stored late, behind what came after it.
  await using host = await startHost({ maxInFlight: 1, canReceive: () => true })
  await host.sender.endpoints.create({ tenantId: 1, url: consumer.url, concurrency: 1 })
  const open = Promise.withResolvers<number>()
  consumer.answer(() => open.promise)
  await raise(host, 0)
  await consumer.received(1)
  // More than is taken along, in several transactions of the fan-out.
  const count = 300
  for (let id = 1; id <= count; id += 100) {
    await Promise.all(Array.from({ length: 100 }, (_, index) => raise(host, id + index, 'x'.repeat(80_000))))
  }
  await waitFor(async () => (await host.sender.stats()).deliveries.pending >= count, 'the fan-out')
  open.resolve(204)
  await host.sender.drain()
  const order = consumer.requests.map(({ rawBody }) => JSON.parse(String(rawBody)).data.entityId as number)
  expect(order).toEqual(order.toSorted((one, other) => one - other))
  expect(new Set(order).size).toBe(order.length)
})
