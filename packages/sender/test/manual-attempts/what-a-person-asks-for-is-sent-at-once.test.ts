import { manualClock, type ReceivedRequest, type TestConsumer, testConsumer, waitFor } from '@x/testkit'
import { expect } from 'vitest'
import type { CreateEndpoint, Delivery } from '../../src/index.ts'
import { it } from '../each-database.ts'
import { type HostOptions, type OpenHost, openHost, site, startHost } from '../open-host.ts'
import { idOf, listedDeliveries } from '../what-was-received.ts'

const HOUR_SECONDS = 3_600
/** A pause that does not end within a test. */
const circuit = { firstPauseSeconds: HOUR_SECONDS, maxPauseSeconds: HOUR_SECONDS }
const typeOf = ({ rawBody }: ReceivedRequest) => JSON.parse(String(rawBody)).type as string

async function raise(host: OpenHost, count: number, from = 1): Promise<void> {
  await host.engine.transaction(async ({ raise: raiseOne }) => {
    for (let id = from; id < from + count; id++) await raiseOne(site, 'File', id, 'Download')
  })
}

async function createEndpoint(host: OpenHost, consumer: TestConsumer, options: Partial<CreateEndpoint> = {}) {
  const { endpoint } = await host.sender.endpoints.create({ tenantId: 1, url: consumer.url, ...options })
  return endpoint
}

/** All deliveries, the oldest first. */
async function listed(host: OpenHost): Promise<Delivery[]> {
  const all: Delivery[] = []
  for (;;) {
    const page = await host.sender.deliveries.list({ tenantId: 1, limit: 100, before: all.at(-1)?.id })
    if (page.length === 0) return all.reverse()
    all.push(...page)
  }
}

const attemptsOf = (deliveries: readonly Delivery[]) =>
  Object.fromEntries(deliveries.map(({ id, attemptCount }) => [id, attemptCount]))

const attempted = (host: OpenHost, id: string, times = 1) =>
  waitFor(async () => {
    const delivery = await host.sender.deliveries.get(id)
    return delivery.attemptCount >= times && delivery
  }, 'the attempt')

const pauseOf = async (host: OpenHost) => {
  const [row] = await host.run<{ not_before: string | number; details: string }>(
    'select not_before, details from xe_webhook_queue',
  )
  return { notBefore: Number(row?.not_before), level: JSON.parse(row?.details ?? '{}').level }
}

/** An endpoint that is paused for an hour, with so many deliveries that wait. */
async function pausedWith(
  count: number,
  { answer = () => ({ status: 503 }), ...options }: HostOptions & { answer?: () => { status: number } } = {},
) {
  const host = await startHost({ circuit, ...options })
  const consumer = await testConsumer()
  consumer.answer(answer)
  const endpoint = await createEndpoint(host, consumer, { concurrency: 1 })
  await raise(host, count)
  await waitFor(async () => (await listed(host)).length === count, 'the deliveries')
  await waitFor(async () => (await pauseOf(host)).notBefore > Date.now(), 'the pause')
  return {
    host,
    consumer,
    endpoint,
    async [Symbol.asyncDispose]() {
      await host[Symbol.asyncDispose]()
      await consumer[Symbol.asyncDispose]()
    },
  }
}

it.each([1, 200])('a test, with an open circuit and %i waiting', async (count) => {
  await using test = await pausedWith(count)
  const { host, consumer, endpoint } = test
  const before = await listed(host)
  const pause = await pauseOf(host)
  expect(consumer.requests).toHaveLength(1)

  const failed = await host.sender.sendTest(endpoint.id)
  expect(await attempted(host, failed.id)).toMatchObject({
    state: 'pending',
    attemptCount: 1,
    lastStatus: 503,
  })
  expect(consumer.requests.map(idOf).slice(1)).toEqual([failed.eventId])
  expect(attemptsOf((await listed(host)).slice(0, count))).toEqual(attemptsOf(before))
  // The circuit stays as it was: a failure in its midst says nothing new.
  expect(await pauseOf(host)).toEqual(pause)

  consumer.answer((request) => (typeOf(request) === 'Webhook.Test' ? 204 : 503))
  const test2 = await host.sender.sendTest(endpoint.id)
  expect(await attempted(host, test2.id)).toMatchObject({ state: 'succeeded', attemptCount: 1 })
  expect(consumer.requests.map(idOf)[2]).toBe(test2.eventId)
})

it('wakes all that waits when it succeeds, whichever it is', async () => {
  await using test = await pausedWith(30)
  const { host, consumer } = test
  consumer.answer(204)
  const last = (await listed(host)).at(-1) as Delivery
  await host.sender.deliveries.resend(last.id)
  await waitFor(async () => (await host.sender.stats()).deliveries.pending <= 1, 'all but the first')
  const [, second, ...others] = consumer.requests.map(idOf)
  expect(second).toBe(last.eventId)
  expect(new Set(others).size).toBe(others.length)
})

it.each([
  ['the oldest', 0],
  ['one in the middle', 100],
  ['the youngest', -1],
] as const)('%s of 200 that wait with an open circuit', async (_which, index) => {
  await using test = await pausedWith(200)
  const { host, consumer } = test
  const before = await listed(host)
  const chosen = before.at(index) as Delivery
  await host.sender.deliveries.resend(chosen.id)
  await attempted(host, chosen.id, chosen.attemptCount + 1)
  expect(consumer.requests.map(idOf).slice(1)).toEqual([chosen.eventId])
  expect(attemptsOf(await listed(host))).toEqual({
    ...attemptsOf(before),
    [chosen.id]: chosen.attemptCount + 1,
  })
})

it('in the pause that a consumer has asked for, which is kept for all else', async () => {
  await using test = await pausedWith(5, {
    circuit: { firstPauseSeconds: 0 },
    answer: () => ({ status: 429, headers: { 'retry-after': '3600' } }),
  })
  const { host, consumer, endpoint } = test
  const { id, eventId } = await host.sender.sendTest(endpoint.id)
  await attempted(host, id)
  expect(consumer.requests.map(idOf).slice(1)).toEqual([eventId])
  expect((await pauseOf(host)).notBefore).toBeGreaterThan(Date.now() + 3_000_000)
})

it('while the probe of a half-open circuit hangs', async () => {
  const clock = manualClock(Date.UTC(2026, 0, 1))
  await using host = await startHost({ circuit: { firstPauseSeconds: 60 }, engine: { clock, pollMaxMs: 50 } })
  await using consumer = await testConsumer()
  consumer.answer(503)
  const endpoint = await createEndpoint(host, consumer, { concurrency: 1 })
  await raise(host, 3)
  await host.sender.drain()
  expect(consumer.requests).toHaveLength(1)
  const probe = Promise.withResolvers<number>()
  consumer.answer((request) => (typeOf(request) === 'Webhook.Test' ? 204 : probe.promise))
  await clock.advance(70_000)
  await consumer.received(2)
  const { id, eventId } = await host.sender.sendTest(endpoint.id)
  expect(await attempted(host, id)).toMatchObject({ state: 'succeeded' })
  expect(consumer.requests.map(idOf)).toContain(eventId)
  probe.resolve(503)
})

it('is the probe of a half-open circuit, and counts once with the other', async () => {
  const clock = manualClock(Date.UTC(2026, 0, 1))
  await using host = await startHost({ circuit: { firstPauseSeconds: 60 }, engine: { clock, pollMaxMs: 50 } })
  await using consumer = await testConsumer()
  consumer.answer(503)
  const endpoint = await createEndpoint(host, consumer)
  await raise(host, 3)
  await host.sender.drain()
  const { level } = await pauseOf(host)
  const answers: ((status: number) => void)[] = []
  consumer.answer(() => new Promise<number>((resolve) => answers.push(resolve)))
  await clock.advance(70_000)
  await waitFor(() => answers.length === 1, 'the probe')
  const { id } = await host.sender.sendTest(endpoint.id)
  await waitFor(() => answers.length === 2, 'the test')
  for (const answer of answers) answer(503)
  await attempted(host, id)
  await host.sender.drain()
  expect((await pauseOf(host)).level).toBe(level + 1)
})

it('although the rate limit is used up', async () => {
  await using host = await startHost()
  await using consumer = await testConsumer()
  const endpoint = await createEndpoint(host, consumer, { rateLimit: { limit: 1, perSeconds: 3_600 } })
  await raise(host, 20)
  await consumer.received(1)
  await waitFor(async () => (await host.sender.stats()).deliveries.pending === 19, 'the first')
  const { id, eventId } = await host.sender.sendTest(endpoint.id)
  await attempted(host, id)
  const last = (await listed(host)).at(-2) as Delivery
  await host.sender.deliveries.resend(last.id)
  await attempted(host, last.id)
  expect(consumer.requests.map(idOf).slice(1)).toEqual([eventId, last.eventId])
})

it.each([
  ['of its endpoint', {}],
  ['of the process', { maxInFlight: 1 }],
])('although all that is allowed %s hangs', async (_what, options) => {
  await using host = await startHost({ ...options, timeoutMs: 60_000, stopTimeoutMs: 100 })
  await using consumer = await testConsumer()
  const hanging = Promise.withResolvers<number>()
  consumer.answer((request) => (typeOf(request) === 'Webhook.Test' ? 204 : hanging.promise))
  const endpoint = await createEndpoint(host, consumer, { concurrency: 1 })
  await raise(host, 3)
  await consumer.received(1)
  const { id } = await host.sender.sendTest(endpoint.id)
  expect(await attempted(host, id)).toMatchObject({ state: 'succeeded' })
  await listedDeliveries(host, 4)
  const waiting = (await listed(host)).filter(({ id: other }) => other !== id)[2] as Delivery
  await host.sender.deliveries.resend(waiting.id)
  const requests = await consumer.received(3)
  expect(idOf(requests[2] as ReceivedRequest)).toBe(waiting.eventId)
  hanging.resolve(204)
  await host.sender.drain()
  expect(consumer.requests).toHaveLength(4)
})

it('out of turn where deliveries follow each other; if it fails, it goes back to its place', async () => {
  const clock = manualClock(Date.UTC(2026, 0, 1))
  await using host = await startHost({
    retrySchedule: [0, 60, 60, 60],
    circuit: { failures: 1_000 },
    engine: { clock, pollMaxMs: 50 },
    reconcileEveryMs: 50,
  })
  await using consumer = await testConsumer()
  consumer.answer(500)
  const endpoint = await createEndpoint(host, consumer, { ordering: 'fifo' })
  await raise(host, 4)
  await host.sender.drain()
  const [first, second, third, fourth] = (await listed(host)) as [Delivery, Delivery, Delivery, Delivery]
  const sent = () => consumer.requests.map(idOf)
  expect(sent()).toEqual([first.eventId])

  await host.sender.deliveries.resend(third.id)
  expect(await attempted(host, third.id)).toMatchObject({ state: 'pending' })
  expect(sent()).toEqual([first.eventId, third.eventId])
  await waitFor(async () => (await host.sender.deliveries.get(third.id)).dueOn === undefined, 'its place')
  // The one whose turn it is can be asked for as well, and is due again as its schedule says.
  await host.sender.deliveries.resend(first.id)
  await attempted(host, first.id, 2)
  const { dueOn } = await host.sender.deliveries.get(first.id)
  expect(dueOn?.getTime()).toBeGreaterThanOrEqual(clock.now() + 60_000)

  consumer.answer(204)
  await host.sender.deliveries.resend(fourth.id)
  expect(await attempted(host, fourth.id)).toMatchObject({ state: 'succeeded' })
  expect((await host.sender.deliveries.get(second.id)).attemptCount).toBe(0)
  const test = await host.sender.sendTest(endpoint.id)
  expect(await attempted(host, test.id)).toMatchObject({ state: 'succeeded' })
  await clock.advance(70_000)
  await host.sender.drain()
  expect(sent().slice(2)).toEqual([
    first.eventId,
    fourth.eventId,
    test.eventId,
    first.eventId,
    second.eventId,
    third.eventId,
  ])
  expect((await host.sender.stats()).reconciliation).toMatchObject({ repairs: 0 })
})

it.each([
  ['succeeded', 204],
  ['exhausted', 400],
  ['cancelled', 503],
] as const)('one that has %s, with an open circuit', async (state, status) => {
  await using host = await startHost({ circuit, retrySchedule: [0, ...(status === 503 ? [60] : [])] })
  await using consumer = await testConsumer()
  consumer.answer(status)
  await createEndpoint(host, consumer, { concurrency: 1 })
  await raise(host, 1)
  await host.sender.drain()
  consumer.answer(503)
  await raise(host, 3, 2)
  await waitFor(async () => (await listed(host)).length === 4, 'the deliveries')
  await host.sender.drain()
  const [chosen] = (await listed(host)) as [Delivery]
  if (state === 'cancelled') await host.sender.deliveries.cancel(chosen.id)
  expect(await host.sender.deliveries.get(chosen.id)).toMatchObject({ state, attemptCount: 1 })
  const before = consumer.requests.length
  // Pending, unless that attempt is recorded already.
  expect(await host.sender.deliveries.resend(chosen.id)).toMatchObject({ id: chosen.id })
  await attempted(host, chosen.id, 2)
  expect(consumer.requests.map(idOf).slice(before)).toEqual([chosen.eventId])
})

it('one that is under way follows at once if that fails, and not otherwise', async () => {
  await using host = await startHost({ circuit })
  await using consumer = await testConsumer()
  const answers: ((status: number) => void)[] = []
  consumer.answer(() => new Promise<number>((resolve) => answers.push(resolve)))
  await createEndpoint(host, consumer, { concurrency: 1 })
  await raise(host, 3)
  await waitFor(() => answers.length === 1, 'the first')
  await listedDeliveries(host, 3)
  const [first] = (await listed(host)) as [Delivery]
  await host.sender.deliveries.resend(first.id)
  answers[0]?.(503)
  await waitFor(() => answers.length === 2, 'the second')
  expect(consumer.requests.map(idOf)).toEqual([first.eventId, first.eventId])
  await host.sender.deliveries.resend(first.id)
  consumer.answer(204)
  answers[1]?.(204)
  expect(await attempted(host, first.id, 2)).toMatchObject({ state: 'succeeded' })
  await consumer.received(4)
  await host.sender.drain()
  expect(consumer.requests.map(idOf).filter((id) => id === first.eventId)).toHaveLength(2)
})

it('several at once, each of them once', async () => {
  await using test = await pausedWith(20)
  const { host, consumer, endpoint } = test
  const waiting = (await listed(host)).slice(-2)
  const tests = await Promise.all([
    host.sender.sendTest(endpoint.id),
    host.sender.sendTest(endpoint.id),
    ...waiting.map(({ id }) => host.sender.deliveries.resend(id)),
  ])
  for (const { id } of tests) await attempted(host, id)
  await host.sender.drain()
  expect(consumer.requests.map(idOf).slice(1).sort()).toEqual(tests.map(({ eventId }) => eventId).sort())
})

it('asked of a node that does not hold the endpoint, which another does', async () => {
  await using test = await pausedWith(200)
  const { host, consumer, endpoint } = test
  await using other = await host.openAnother()
  await other.sender.start()
  const { id, eventId } = await other.sender.sendTest(endpoint.id)
  await attempted(host, id)
  const youngest = (await listed(host)).at(-2) as Delivery
  await other.sender.deliveries.resend(youngest.id)
  await attempted(host, youngest.id)
  expect(consumer.requests.map(idOf).slice(1)).toEqual([eventId, youngest.eventId])
})

it('asked of a host that sends nothing, before its worker runs', async () => {
  await using host = await openHost({ circuit, deliver: false })
  await using consumer = await testConsumer()
  consumer.answer(503)
  const endpoint = await createEndpoint(host, consumer, { concurrency: 1 })
  await host.start()
  await raise(host, 50)
  await waitFor(async () => (await listed(host)).length === 50, 'the deliveries')
  const { id, eventId } = await host.sender.sendTest(endpoint.id)
  await using worker = await host.openAnother({ deliver: true, fanOut: false })
  await worker.sender.start()
  await attempted(host, id)
  await waitFor(async () => (await pauseOf(host)).notBefore > Date.now(), 'the pause')
  // Nothing was known of the endpoint yet: what is due may go as well, in its turn.
  expect(consumer.requests.map(idOf)[0]).toBe(eventId)
  const begun = consumer.requests.length
  expect(begun).toBeLessThanOrEqual(2)
  const youngest = (await listed(host)).at(-2) as Delivery
  await host.sender.deliveries.resend(youngest.id)
  await attempted(host, youngest.id)
  expect(consumer.requests.map(idOf).slice(begun)).toEqual([youngest.eventId])
})

it('after all nodes have been away since it was asked for', async () => {
  await using test = await pausedWith(50)
  const { host, consumer, endpoint } = test
  await host.sender.stop()
  const youngest = (await listed(host)).at(-1) as Delivery
  await host.sender.deliveries.resend(youngest.id)
  const { eventId } = await host.sender.sendTest(endpoint.id)
  await using other = await host.openAnother()
  await other.sender.start()
  await consumer.received(3)
  await attempted(host, youngest.id)
  await other.sender.drain()
  expect(consumer.requests.map(idOf).slice(1).sort()).toEqual([youngest.eventId, eventId].sort())
})

it('not to an endpoint that is disabled or deleted, also when that happens meanwhile', async () => {
  await using test = await pausedWith(3)
  const { host, consumer, endpoint } = test
  await host.sender.stop()
  const [first, second] = (await listed(host)) as [Delivery, Delivery]
  await host.sender.deliveries.resend(second.id)
  await host.sender.endpoints.disable(endpoint.id)
  await expect(host.sender.sendTest(endpoint.id)).rejects.toMatchObject({ code: 'endpoint_disabled' })
  await expect(host.sender.deliveries.resend(first.id)).rejects.toMatchObject({ code: 'endpoint_disabled' })
  await host.sender.start()
  await host.sender.drain()
  expect(consumer.requests).toHaveLength(1)
  // What was asked for before goes first once it may.
  await host.sender.stop()
  await host.sender.endpoints.enable(endpoint.id)
  await host.sender.start()
  await consumer.received(2)
  expect(consumer.requests.map(idOf)[1]).toBe(second.eventId)

  await host.sender.endpoints.delete(endpoint.id)
  await expect(host.sender.sendTest(endpoint.id)).rejects.toMatchObject({ code: 'endpoint_not_found' })
  await expect(host.sender.deliveries.resend(first.id)).rejects.toMatchObject({ code: 'delivery_cancelled' })
  expect(await host.run(`select 1 from xe_webhook_delivery where state = 'pending'`)).toEqual([])
})

it('asked for while an endpoint is being disabled, is refused or waits, and is never lost', async () => {
  await using host = await openHost()
  await using consumer = await testConsumer()
  const endpoint = await createEndpoint(host, consumer)
  await host.start()
  for (let turn = 0; turn < 10; turn++) {
    const [test] = await Promise.allSettled([
      host.sender.sendTest(endpoint.id),
      host.sender.endpoints.disable(endpoint.id),
    ])
    if (test.status === 'rejected') expect(test.reason).toMatchObject({ code: 'endpoint_disabled' })
    await host.sender.endpoints.enable(endpoint.id)
    if (test.status === 'fulfilled') await attempted(host, test.value.id)
  }
})

it('again after a fault of this side, which does not count', async () => {
  const clock = manualClock(Date.UTC(2026, 0, 1))
  let isBroken = true
  await using host = await startHost({
    engine: { clock, pollMaxMs: 50 },
    canReceive: () => {
      if (isBroken) throw new Error('no answer')
      return true
    },
  })
  await using consumer = await testConsumer()
  const endpoint = await createEndpoint(host, consumer)
  const { id } = await host.sender.sendTest(endpoint.id)
  const failed = await waitFor(async () => {
    const delivery = await host.sender.deliveries.get(id)
    return delivery.lastErrorCode !== undefined && delivery
  }, 'the fault')
  expect(failed).toMatchObject({ state: 'pending', attemptCount: 0, lastErrorCode: 'check_failed' })
  isBroken = false
  await clock.advance(10_000)
  expect(await attempted(host, id)).toMatchObject({ state: 'succeeded', attemptCount: 1 })
})

it('in moderation: many wishes leave room for the rest, and stay near the limits of the endpoint', async () => {
  await using host = await startHost({ timeoutMs: 60_000, stopTimeoutMs: 100 })
  await using consumer = await testConsumer()
  await createEndpoint(host, consumer, { concurrency: 2 })
  await raise(host, 100)
  await host.sender.drain()
  let underWay = 0
  let most = 0
  const order: string[] = []
  let begin = () => {}
  const begun = new Promise<void>((resolve) => {
    begin = resolve
  })
  consumer.answer(async (request) => {
    underWay += 1
    most = Math.max(most, underWay)
    order.push(idOf(request))
    await begun
    underWay -= 1
    return 204
  })
  const old = await listed(host)
  await Promise.all(old.map(({ id }) => host.sender.deliveries.resend(id)))
  await raise(host, 20, 1_000)
  // All wait by then, wishes and the others.
  const { deliveries } = host.sender
  await waitFor(
    async () => (await deliveries.count({ tenantId: 1 })).count === 120,
    'the others to be stored',
  )
  begin()
  await waitFor(() => order.length >= 120, 'all of them')
  await host.sender.drain()
  expect(most).toBeLessThanOrEqual(2 + 5)
  const oldIds = new Set(old.map(({ eventId }) => eventId))
  expect(new Set(order)).toHaveProperty('size', 120)
  // None of the others had to wait for all wishes.
  expect(order.slice(-10).every((id) => !oldIds.has(id))).toBe(false)
})

it('in moderation: a paused endpoint gets ten of many, and the rest once it is back', async () => {
  await using test = await pausedWith(40)
  const { host, consumer } = test
  const pause = await pauseOf(host)
  const waiting = await listed(host)
  for (const { id } of waiting) await host.sender.deliveries.resend(id)
  const begun = () => consumer.requests.length - 1
  await waitFor(() => begun() === 10, 'ten of them')
  await waitFor(
    async () => (await listed(host)).reduce((sum, { attemptCount }) => sum + attemptCount, 0) === 11,
    'what came of them',
  )
  expect(begun()).toBe(10)
  expect(await pauseOf(host)).toEqual(pause)
  // A success lets all others go, each once.
  consumer.answer(204)
  await host.sender.endpoints.enable((await host.sender.endpoints.disable(test.endpoint.id)).id)
  await waitFor(async () => (await listed(host)).every(({ attemptCount }) => attemptCount > 0), 'the rest')
  const ids = consumer.requests.slice(11).map(idOf)
  expect(new Set(ids).size).toBe(ids.length)
})
