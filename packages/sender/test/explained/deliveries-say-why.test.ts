import { manualClock, testConsumer, waitFor } from '@x/testkit'
import { expect } from 'vitest'
import type { Delivery, DeliveryDetails } from '../../src/index.ts'
import { it } from '../each-database.ts'
import { type HostOptions, type OpenHost, site, startHost } from '../open-host.ts'

const NEVER_MS = 2 ** 30
const BEGIN = Date.UTC(2026, 0, 1)

async function startTimelessHost(options: HostOptions = {}) {
  const clock = manualClock(BEGIN)
  const host = await startHost({ ...options, engine: { clock, pollMaxMs: NEVER_MS } })
  return { host, clock }
}

function raise({ engine }: OpenHost, count: number): Promise<void> {
  return engine.transaction(async (transaction) => {
    for (let id = 0; id < count; id++) await transaction.raise(site, 'File', id, 'Update')
  })
}

async function raiseMany(host: OpenHost, count: number): Promise<void> {
  await raise(host, count)
  await host.sender.drain()
}

/** Deliveries of the only tenant, oldest first. */
async function listed({ sender }: OpenHost): Promise<Delivery[]> {
  return (await sender.deliveries.list({ tenantId: 1 })).toReversed()
}

async function explained(host: OpenHost): Promise<DeliveryDetails[]> {
  return Promise.all((await listed(host)).map(({ id }) => host.sender.deliveries.get(id)))
}

it('says how deliveries have ended', async () => {
  const { host, clock } = await startTimelessHost({
    retrySchedule: [0, 60],
    canReceive: (endpoint) => endpoint.description !== 'nobody',
  })
  await using _host = host
  await using consumer = await testConsumer()
  const { endpoints } = host.sender
  consumer.answer(({ path }) => (path.endsWith('/gone') ? 410 : path.endsWith('/bad') ? 400 : 204))
  const ids = new Map<string, string>()
  for (const [what, path] of [
    ['good', 'good'],
    ['bad', 'bad'],
    ['gone', 'gone'],
    ['nobody', 'good'],
    ['deleted', 'bad'],
    ['left', 'bad'],
    ['dropped', 'bad'],
    ['filtered', 'bad'],
    ['read', undefined],
  ] as const) {
    const url = path === undefined ? null : `${consumer.url}/${path}`
    const { endpoint } = await endpoints.create({ tenantId: 1, url, description: what })
    ids.set(what, endpoint.id)
  }
  const idOf = (what: string) => ids.get(what) ?? ''
  const deliveryTo = async (what: string) => {
    const [one] = await host.sender.deliveries.list({ tenantId: 1, endpointId: idOf(what) })
    return one as Delivery
  }
  await raiseMany(host, 1)
  await host.sender.deliveries.cancel((await deliveryTo('left')).id, { actor: 'Ann' })
  await clock.advance(1)
  await host.sender.deliveries.cancelPending(idOf('dropped'), { actor: 'Cleo' })
  await clock.advance(1)
  const ofEndpoint = { tenantId: 1, endpointId: idOf('filtered') }
  await host.sender.deliveries.cancelMany(ofEndpoint, { actor: 'Dan' })
  await clock.advance(1)
  await endpoints.delete(idOf('deleted'), { actor: 'Bob' })
  await clock.advance(70_000)
  await host.sender.drain()
  for (const [what, reason, resend, by] of [
    ['good', { code: 'succeeded' }, 'sends'],
    ['bad', { code: 'attempts_exhausted' }, 'sends'],
    ['gone', { code: 'gone' }, 'endpoint_disabled'],
    ['nobody', { code: 'not_allowed' }, 'sends'],
    ['deleted', { code: 'endpoint_deleted', on: new Date(BEGIN + 3) }, 'endpoint_deleted', 'Bob'],
    ['left', { code: 'cancelled' }, 'sends', 'Ann'],
    ['dropped', { code: 'cancelled' }, 'sends', 'Cleo'],
    ['filtered', { code: 'cancelled' }, 'sends', 'Dan'],
    ['read', { code: 'pull' }, 'no_url'],
  ] as const) {
    const delivery = await deliveryTo(what)
    expect(delivery.reason, what).toEqual(reason)
    const details = await host.sender.deliveries.get(delivery.id)
    expect(details.reason, what).toEqual(by === undefined ? reason : { ...reason, by })
    expect(details.resend, what).toBe(resend)
  }
})

it('says which attempt comes next, and when', async () => {
  const { host } = await startTimelessHost({ retrySchedule: [0, 60, 300] })
  await using _host = host
  await using consumer = await testConsumer()
  consumer.answer(400)
  const retrySchedule = [30]
  const { endpoint } = await host.sender.endpoints.create({ tenantId: 1, url: consumer.url })
  await host.sender.endpoints.create({ tenantId: 1, url: consumer.url, retrySchedule })
  await raiseMany(host, 1)
  const all = await explained(host)
  const retried = all.find(({ endpointId }) => endpointId === endpoint.id)
  const later = all.find(({ endpointId }) => endpointId !== endpoint.id)
  expect(retried).toMatchObject({
    reason: { code: 'scheduled', attempt: 2, of: 3, on: retried?.dueOn },
    resend: 'sends',
  })
  expect(later?.reason).toEqual({ code: 'scheduled', attempt: 1, of: 1, on: new Date(BEGIN + 30_000) })
})

it('says until when the endpoint is paused, and which failures have led to it', async () => {
  const { host } = await startTimelessHost({ circuit: { failures: 2, firstPauseSeconds: 300 } })
  await using _host = host
  await using consumer = await testConsumer()
  consumer.answer(500)
  await host.sender.endpoints.create({ tenantId: 1, url: consumer.url, concurrency: 1 })
  await raiseMany(host, 3)
  const failed = { on: new Date(BEGIN), errorCode: 'http_status', status: 500 }
  for (const { reason } of await explained(host)) {
    expect(reason).toEqual({
      code: 'paused',
      until: expect.any(Date),
      cause: 'failures',
      failures: [failed, failed],
    })
  }
  const [first, , last] = await listed(host)
  await host.sender.endpoints.disable(first?.endpointId ?? '')
  expect(await host.sender.deliveries.get(last?.id ?? '')).toMatchObject({
    reason: { code: 'disabled', since: new Date(BEGIN), reason: 'manual' },
    resend: 'endpoint_disabled',
  })
})

it('says that the rate limit is used up, and that a person has asked for an attempt', async () => {
  const { host } = await startTimelessHost()
  await using _host = host
  await using consumer = await testConsumer()
  const rateLimit = { limit: 1, perSeconds: 3_600 }
  await host.sender.endpoints.create({ tenantId: 1, url: consumer.url, rateLimit })
  await raise(host, 2)
  const waiting = await waitFor(async () => {
    const [one] = await host.sender.deliveries.list({ tenantId: 1, state: 'pending' })
    return one?.reason.code === 'rate_limited' && host.sender.deliveries.get(one.id)
  }, 'one waits for the rate limit')
  expect(waiting).toMatchObject({
    reason: { code: 'rate_limited', until: expect.any(Date) },
    resend: 'sends',
  })
  await host.sender.stop()
  const asked = await host.sender.deliveries.resend(waiting.id)
  expect(asked.reason).toEqual({ code: 'requested', on: expect.any(Date) })
  expect(await host.sender.deliveries.get(asked.id)).toMatchObject({ resend: 'under_way' })
})

it('says which delivery of its ordering key comes first, and how many wait for their turn', async () => {
  const { host } = await startTimelessHost()
  await using _host = host
  await using consumer = await testConsumer()
  consumer.answer(400)
  await host.sender.endpoints.create({ tenantId: 1, url: consumer.url, ordering: 'fifo' })
  await raiseMany(host, 3)
  const [first, second, third] = await explained(host)
  expect(first?.reason.code).toBe('scheduled')
  expect(second?.reason).toEqual({
    code: 'predecessor',
    deliveryId: first?.id,
    ahead: 1,
    aheadCapped: false,
  })
  expect(third?.reason).toEqual({ code: 'predecessor', deliveryId: first?.id, ahead: 2, aheadCapped: false })
  expect((await listed(host))[1]?.reason).toEqual({ code: 'predecessor' })
})

it('says that an attempt is under way, and how many come before one that is due', async () => {
  const { host } = await startTimelessHost()
  await using _host = host
  await using consumer = await testConsumer()
  const { promise, resolve } = Promise.withResolvers<number>()
  consumer.answer(() => promise)
  await host.sender.endpoints.create({ tenantId: 1, url: consumer.url, concurrency: 1 })
  await raise(host, 3)
  await consumer.received(1)
  const [first, , third] = await waitFor(async () => {
    const all = await explained(host)
    return all.length === 3 && all
  }, 'what has no response is stored')
  expect(first).toMatchObject({ reason: { code: 'in_flight' }, resend: 'under_way' })
  expect(third).toMatchObject({ reason: { code: 'queued', ahead: 2, aheadCapped: false }, resend: 'sends' })
  resolve(204)
})
