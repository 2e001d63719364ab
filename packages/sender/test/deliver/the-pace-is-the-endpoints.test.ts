import { manualClock, testConsumer, waitFor } from '@x/testkit'
import { expect } from 'vitest'
import { createRateLimiter } from '../../src/deliver/rate-limiter.ts'
import { it } from '../each-database.ts'
import { type OpenHost, site, startHost } from '../open-host.ts'

function raiseMany(host: OpenHost, count: number, entity: 'File' | 'Page' = 'File') {
  return host.engine.transaction(async ({ raise }) => {
    for (let id = 0; id < count; id++) await raise(site, entity, id, 'Download')
  })
}

function mostIn(times: readonly number[], spanMs: number): number {
  const within = times.map((from) => times.filter((time) => time >= from && time < from + spanMs).length)
  return Math.max(...within)
}

it('never sends more in any second than the rate limit, as the consumer measures it, and not much less', async () => {
  await using host = await startHost()
  await using consumer = await testConsumer()
  const times: number[] = []
  consumer.answer(() => {
    times.push(performance.now())
    return 204
  })
  const rateLimit = { limit: 20, perSeconds: 1 }
  await host.sender.endpoints.create({ tenantId: 1, url: consumer.url, rateLimit })
  await raiseMany(host, 70)
  await host.sender.drain()
  await waitFor(() => times.length === 70, 'all of them')
  expect(mostIn(times, 1_000)).toBe(20)
  expect((times.at(-1) ?? 0) - (times[0] ?? 0)).toBeLessThan(30_000)
  // Waiting for a token is no attempt.
  const deliveries = await host.sender.deliveries.list({ tenantId: 1, limit: 100 })
  expect(new Set(deliveries.map(({ attemptCount }) => attemptCount))).toEqual(new Set([1]))
})

it('keeps to the rate limit when another process takes over, or the first one ends', async () => {
  const clock = manualClock()
  await using host = await startHost({ engine: { clock } })
  await using consumer = await testConsumer()
  await host.sender.endpoints.create({
    tenantId: 1,
    url: consumer.url,
    rateLimit: { limit: 5, perSeconds: 60 },
  })
  await raiseMany(host, 8)
  await consumer.received(5)
  await waitFor(async () => (await host.sender.stats()).deliveries.pending === 3, 'the records')
  await host.sender.stop()
  await host.engine.stop()
  await using other = await host.openAnother()
  await other.start()
  await clock.advance(30_000)
  await other.sender.drain()
  expect(consumer.requests).toHaveLength(5)
  await clock.advance(31_000)
  await other.sender.drain()
  await consumer.received(8)
})

it('counts what a dead holder may have sent as sent', () => {
  const limiter = createRateLimiter({ limit: 10, perSeconds: 1 }, '[[500,3]]', 16, 0)
  expect(limiter.hasToken(0)).toBe(false)
  expect(limiter.hasToken(999)).toBe(false)
  expect(limiter.hasToken(1_000)).toBe(true)
})

it('keeps a bucket of any size small', () => {
  const limiter = createRateLimiter({ limit: 10_000, perSeconds: 10 }, null, 0, 0)
  for (let time = 0; time < 10_000; time++) {
    expect(limiter.hasToken(time)).toBe(true)
    limiter.take()
    limiter.ended(time)
  }
  expect(limiter.hasToken(9_999)).toBe(false)
  expect(limiter.nextTokenOn(9_999)).toBe(10_000)
  expect(limiter.stored(9_999).length).toBeLessThan(3_000)
})

it('asks for more at once while the endpoint answers fast, within the bounds', async () => {
  await using host = await startHost({ retrySchedule: [0, 3_600], circuit: { failures: 1_000 } })
  await using consumer = await testConsumer()
  let underWay = 0
  let most = 0
  let status = 500
  let held: PromiseWithResolvers<void> | undefined
  consumer.answer(async () => {
    most = Math.max(most, ++underWay)
    await held?.promise
    underWay -= 1
    return status
  })
  const concurrency = { min: 2, max: 12 }
  await host.sender.endpoints.create({ tenantId: 1, url: consumer.url, concurrency })

  /** Holds the responses until so many requests are under way, and answers how many there ever were. */
  async function mostOf(count: number, wanted: number): Promise<number> {
    held = Promise.withResolvers()
    most = 0
    await raiseMany(host, count)
    await waitFor(() => underWay >= wanted, `${wanted} requests at once`)
    held.resolve()
    await host.sender.drain()
    return most
  }

  held = undefined
  await raiseMany(host, 60)
  await host.sender.drain()
  expect(await mostOf(10, 2), 'while it fails').toBe(2)
  status = 204
  held = undefined
  await raiseMany(host, 100)
  await host.sender.drain()
  expect(await mostOf(30, 12), 'once it answers').toBe(12)
})

it('keeps places for first attempts in a storm of retries', async () => {
  await using host = await startHost({
    retrySchedule: [0, 0.2, 3_600],
    maxInFlight: 16,
    circuit: { failures: 100_000 },
  })
  await using consumer = await testConsumer()
  let firstOfNew = 0
  let storm = false
  let seen = 0
  consumer.answer(async ({ rawBody }) => {
    if (JSON.parse(String(rawBody)).type.startsWith('Page')) {
      firstOfNew += 1
      return 204
    }
    seen += 1
    if (storm) await new Promise((resolve) => setTimeout(resolve, 50))
    return 400
  })
  for (let index = 0; index < 30; index++) {
    await host.sender.endpoints.create({ tenantId: 1, url: `${consumer.url}/${index}` })
  }
  await raiseMany(host, 50)
  await waitFor(() => seen >= 1_500, 'the first attempts')
  storm = true
  await waitFor(() => seen > 1_500, 'retries')
  await raiseMany(host, 1, 'Page')
  await waitFor(() => firstOfNew === 30, 'the new ones')
  expect(seen, 'attempts made by then, of 3,000').toBeLessThan(2_750)
})
