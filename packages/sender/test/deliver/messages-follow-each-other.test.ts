import { createHash } from 'node:crypto'
import type { SyncEvent } from '@x/events-core'
import { manualClock, type ReceivedRequest, testConsumer, waitFor } from '@x/testkit'
import fc from 'fast-check'
import { expect } from 'vitest'
import { it, testDialect } from '../each-database.ts'
import { type OpenHost, openHost, site, startHost } from '../open-host.ts'
import { withoutRepeats } from '../what-was-received.ts'

const entityIdOf = ({ rawBody }: ReceivedRequest) => JSON.parse(String(rawBody)).data.entityId as number
const upTo = (count: number) => Array.from({ length: count }, (_, index) => index)

function raiseMany(host: OpenHost, count: number, entityIdOfIndex = (index: number) => index) {
  return host.engine.transaction(async ({ raise }) => {
    for (const index of upTo(count))
      await raise(site, 'Page', entityIdOfIndex(index), 'Update', { data: { index } as never })
  })
}

it("sends with 'fifo' one after the other, each until it has succeeded, in the order of the log", async () => {
  await using host = await startHost({ retrySchedule: Array(40).fill(0) })
  await using consumer = await testConsumer()
  let underWay = 0
  let most = 0
  const tries = new Map<number, number>()
  consumer.answer(async (request) => {
    most = Math.max(most, ++underWay)
    await new Promise(setImmediate)
    underWay -= 1
    const id = entityIdOf(request)
    const failures = id % 7 === 3 ? 3 : 0
    tries.set(id, (tries.get(id) ?? 0) + 1)
    return (tries.get(id) ?? 0) <= failures ? 400 : 204
  })
  await host.sender.endpoints.create({ tenantId: 1, url: consumer.url, ordering: 'fifo' })
  await raiseMany(host, 60)
  await host.sender.drain()
  await waitFor(async () => (await host.sender.stats()).deliveries.pending === 0, 'all to succeed')
  expect(most).toBe(1)
  expect(withoutRepeats(consumer.requests.map(entityIdOf))).toEqual(upTo(60))
})

it('lets one that fails hold up its own lane only, until it is exhausted', async () => {
  const clock = manualClock(Date.UTC(2026, 0, 1))
  await using host = await startHost({
    retrySchedule: [0, 60, 60],
    engine: { clock, pollMaxMs: 2 ** 30 },
  })
  await using consumer = await testConsumer()
  consumer.answer((request) => (entityIdOf(request) === 1 ? 400 : 204))
  await host.sender.endpoints.create({ tenantId: 1, url: consumer.url, ordering: { by: 'entity' } })
  // Three rounds of entities 0, 1, 2.
  await raiseMany(host, 9, (index) => index % 3)
  await host.sender.drain()
  const seen = () => consumer.requests.map(({ rawBody }) => JSON.parse(String(rawBody)).data.entity.index)
  expect(seen().filter((index) => index % 3 === 0)).toEqual([0, 3, 6])
  expect(seen().filter((index) => index % 3 === 2)).toEqual([2, 5, 8])
  expect(seen().filter((index) => index % 3 === 1)).toEqual([1])
  const held = await host.sender.deliveries.list({ tenantId: 1, state: 'pending' })
  expect(held.map(({ dueOn }) => dueOn !== undefined)).toEqual([false, false, true])

  for (const count of [2, 3, 3]) {
    await clock.advance(70_000)
    await host.sender.drain()
    expect(seen().filter((index) => index === 1)).toHaveLength(count)
  }
  // Exhausted: the next of the lane begins at once, and goes through its own schedule.
  expect(seen().filter((index) => index % 3 === 1)).toEqual([1, 1, 1, 4, 4])
})

it('begins the next at once when the one before is recorded, not after a poll', async () => {
  await using host = await startHost({ pollMaxMs: 1_000_000 })
  await using consumer = await testConsumer()
  await host.sender.endpoints.create({ tenantId: 1, url: consumer.url, ordering: 'fifo' })
  await raiseMany(host, 200)
  await host.sender.drain()
  expect(consumer.requests).toHaveLength(200)
})

it('orders by a key of the host, whose text is stored, also after a restart that no longer knows the key', async () => {
  const byParity = (event: SyncEvent) => String(Number(event.entityId) % 2)
  await using host = await openHost({ orderingKeys: { parity: byParity } })
  await using consumer = await testConsumer()
  const { endpoint } = await host.sender.endpoints.create({
    tenantId: 1,
    url: consumer.url,
    ordering: { by: byParity },
  })
  expect(endpoint.ordering).toEqual({ by: 'parity' })
  let letGo = () => {}
  consumer.answer((request) =>
    entityIdOf(request) === 0 ? new Promise((resolve) => (letGo = () => resolve(204))) : 204,
  )
  await host.start()
  await raiseMany(host, 10)
  await waitFor(() => consumer.requests.length === 6, 'the odd ones')
  expect(consumer.requests.map(entityIdOf).sort()).toEqual([0, 1, 3, 5, 7, 9])
  letGo()
  await host.sender.drain()
  expect(consumer.requests.map(entityIdOf).filter((id) => id % 2 === 0)).toEqual([0, 2, 4, 6, 8])

  await host.sender.stop()
  await using other = await host.openAnother({ orderingKeys: {} })
  consumer.answer(204)
  await other.start()
  await raiseMany(other, 4)
  await other.sender.drain()
  expect(consumer.requests.slice(10).map(entityIdOf)).toEqual([0, 1, 2, 3])
})

it('refuses a function without a name, and a name without a function', async () => {
  await using host = await openHost()
  const create = (by: never) =>
    host.sender.endpoints.create({ tenantId: 1, url: 'https://example.com', ordering: { by } })
  for (const by of [() => 'x', 'colour', undefined]) {
    await expect(create(by as never)).rejects.toMatchObject({ code: 'invalid_endpoint', field: 'ordering' })
  }
})

it('lets a recovered delivery wait for its lane, and go before those that are younger', async () => {
  await using host = await startHost({ retrySchedule: [0] })
  await using consumer = await testConsumer()
  consumer.answer(400)
  const { endpoint } = await host.sender.endpoints.create({
    tenantId: 1,
    url: consumer.url,
    ordering: 'fifo',
  })
  await raiseMany(host, 1)
  await host.sender.drain()
  const [exhausted] = await host.sender.deliveries.list({ tenantId: 1, state: 'exhausted' })
  let letGo = () => {}
  consumer.answer((request) =>
    entityIdOf(request) === 10 ? new Promise((resolve) => (letGo = () => resolve(204))) : 204,
  )
  await raiseMany(host, 3, (index) => 10 + index)
  await consumer.received(2)
  await host.sender.deliveries.recover(endpoint.id, { since: new Date(0) })
  const recovered = await host.sender.deliveries.get(exhausted?.id ?? '')
  expect(recovered).toMatchObject({ state: 'pending' })
  expect(recovered.dueOn).toBeUndefined()
  letGo()
  await host.sender.drain()
  expect(consumer.requests.map(entityIdOf)).toEqual([0, 10, 0, 11, 12])
})

it.each(['in flight', 'not begun'] as const)(
  'sends many again in their turns, also the one that a person has asked for, whose attempt is %s',
  async (progress) => {
    const clock = manualClock(Date.UTC(2026, 0, 1))
    await using host = await startHost({
      retrySchedule: [0, 60, 60, 60],
      circuit: { failures: 1_000 },
      engine: { clock, pollMaxMs: 50 },
      reconcileEveryMs: 50,
    })
    await using consumer = await testConsumer()
    const { deliveries } = host.sender
    consumer.answer(500)
    await host.sender.endpoints.create({ tenantId: 1, url: consumer.url, ordering: 'fifo' })
    await raiseMany(host, 3)
    await host.sender.drain()
    const waiting = await deliveries.list({ tenantId: 1, state: 'pending' })
    expect(waiting.map(({ dueOn }) => dueOn !== undefined)).toEqual([false, false, true])
    const { id = '', eventId } = waiting[1] ?? {}
    const answered = Promise.withResolvers<number>()
    consumer.answer(() => answered.promise)

    // Jobs go on there.
    await using other = await host.openAnother({ deliver: false })
    await other.sender.start()
    if (progress === 'not begun') await host.sender.stop()
    await deliveries.resend(id)
    if (progress === 'in flight') await consumer.received(2)
    await clock.advance(10)
    const job = await deliveries.resendMany({ tenantId: 1, state: 'pending', eventId })
    await waitFor(async () => (await host.sender.jobs.get(job.id)).state === 'succeeded', 'the job')
    answered.resolve(500)
    if (progress === 'not begun') await host.sender.start()
    else await waitFor(async () => (await deliveries.get(id)).attemptCount > 0, 'the attempt')
    await host.sender.drain()
    const had = progress === 'in flight' ? [0, 1] : [0]
    expect(consumer.requests.map(entityIdOf)).toEqual(had)
    expect((await deliveries.get(id)).dueOn, 'it is in its place').toBeUndefined()

    consumer.answer(204)
    await clock.advance(70_000)
    await host.sender.drain()
    expect(consumer.requests.map(entityIdOf)).toEqual([...had, 0, 1, 2])
    expect((await host.sender.stats()).reconciliation).toMatchObject({ repairs: 0 })
  },
)

it('keeps the order of every lane, whatever fails, however often it is stopped, with several endpoints', async () => {
  const fails = (text: string, tries: number) => {
    const dice = createHash('sha256').update(`${text}:${tries}`).digest()
    return (dice[0] as number) < 80
  }
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.integer({ min: 0, max: 4 }), { minLength: 5, maxLength: 40 }),
      fc.integer(),
      fc.integer({ min: 1, max: 3 }),
      async (entityIds, seed, stops) => {
        await using host = await startHost({ retrySchedule: Array(50).fill(0), maxInFlight: 8 })
        await using consumer = await testConsumer()
        const tries = new Map<string, number>()
        consumer.answer(({ path, headers }) => {
          const key = `${seed}${path}${headers['webhook-id']}`
          tries.set(key, (tries.get(key) ?? 0) + 1)
          return fails(key, tries.get(key) ?? 0) ? 400 : 204
        })
        for (const ordering of ['fifo', { by: 'entity' }, { by: 'tenant' }, 'none'] as const) {
          const path = typeof ordering === 'string' ? ordering : ordering.by
          await host.sender.endpoints.create({ tenantId: 1, url: `${consumer.url}/${path}`, ordering })
        }
        await raiseMany(host, entityIds.length, (index) => entityIds[index] as number)
        for (let stop = 1; stop <= stops; stop++) {
          await waitFor(
            () => consumer.requests.length >= Math.min(stop * 10, entityIds.length * 4),
            'requests',
          )
          await host.sender.stop()
          await host.sender.start()
        }
        await waitFor(async () => {
          await host.sender.drain()
          return (await host.sender.stats()).deliveries.pending === 0
        }, 'the end')
        const seen = (path: string, lane?: number) =>
          consumer.requests
            .filter((request) => request.path === `/hook/${path}`)
            .map(({ rawBody }) => JSON.parse(String(rawBody)).data)
            .filter(({ entityId }) => lane === undefined || entityId === lane)
            .map(({ entity }) => entity.index as number)
        const all = upTo(entityIds.length)
        expect(withoutRepeats(seen('fifo'))).toEqual(all)
        expect(withoutRepeats(seen('tenant'))).toEqual(all)
        expect(new Set(seen('none'))).toEqual(new Set(all))
        for (const lane of new Set(entityIds)) {
          expect(withoutRepeats(seen('entity', lane))).toEqual(
            all.filter((index) => entityIds[index] === lane),
          )
        }
      },
    ),
    // Each run makes a database of its own, which PostgreSQL takes its time for.
    { numRuns: testDialect() === 'postgres' ? 3 : 6 },
  )
})
