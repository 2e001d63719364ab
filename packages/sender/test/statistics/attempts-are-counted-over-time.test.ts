import { manualClock, testConsumer, waitFor } from '@x/testkit'
import { sql } from 'kysely'
import { expect } from 'vitest'
import { it, testDialect } from '../each-database.ts'
import { type OpenHost, openHost, site, startHost } from '../open-host.ts'

const START = Date.UTC(2026, 0, 1)
const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS

const raise = (host: OpenHost, id: number) =>
  host.engine.syncManager.addSyncEvent(site, 'File', id, 'Download')

it('counts attempts in buckets, of an endpoint and of its tenant', async () => {
  const clock = manualClock(START)
  await using host = await startHost({ retrySchedule: [0, 60], engine: { clock, pollMaxMs: 2 ** 30 } })
  await using consumer = await testConsumer()
  await using failing = await testConsumer()
  failing.answer(400)
  const { endpoints } = host.sender
  const { endpoint } = await endpoints.create({ tenantId: 1, url: consumer.url })
  const { endpoint: other } = await endpoints.create({ tenantId: 1, url: failing.url })
  for (let id = 1; id <= 3; id++) await raise(host, id)
  await host.sender.drain()
  // The retries of the one that fails are made, in vain.
  await clock.advance(70_000)
  await host.sender.drain()
  await clock.advance(50_000)
  await raise(host, 4)
  await host.sender.drain()

  const since = new Date(START)
  const until = new Date(START + 4 * MINUTE_MS)
  const latency = { p50Ms: expect.any(Number), p95Ms: expect.any(Number), p99Ms: expect.any(Number) }
  const none = { attempts: 0, succeeded: 0, failed: 0, exhausted: 0 }
  const at = (minutes: number, counts: object) => ({ from: new Date(START + minutes * MINUTE_MS), ...counts })
  const well = (count: number) => ({ attempts: count, succeeded: count, failed: 0, exhausted: 0, latency })
  const badly = (count: number, exhausted = 0) => ({
    attempts: count,
    succeeded: 0,
    failed: count,
    exhausted,
    latency,
  })
  expect(await endpoints.statistics(endpoint.id, { since, until })).toEqual({
    bucketSeconds: 60,
    total: well(4),
    buckets: [at(0, well(3)), at(1, none), at(2, well(1)), at(3, none)],
  })
  const failed = await endpoints.statistics(other.id, { since, until, bucketSeconds: 120 })
  expect(failed.total).toEqual(badly(7, 3))
  expect(failed.buckets.map(({ attempts, exhausted }) => [attempts, exhausted])).toEqual([
    [6, 3],
    [1, 0],
  ])
  expect(await host.sender.statistics({ tenantId: 1, since, until, bucketSeconds: 240 })).toEqual({
    bucketSeconds: 240,
    total: { attempts: 11, succeeded: 4, failed: 7, exhausted: 3, latency },
    buckets: [at(0, { attempts: 11, succeeded: 4, failed: 7, exhausted: 3, latency })],
  })
  expect((await host.sender.statistics({ tenantId: 2, since, until })).total).toEqual(none)
  await expect(endpoints.statistics(endpoint.id, { since, tenantId: 2 })).rejects.toMatchObject({
    code: 'endpoint_not_found',
  })
})

it('leaves out attempts that never reached the consumer from latency, and what is our fault from everything', async () => {
  await using host = await startHost({ retrySchedule: [0], timeoutMs: 2_000, connectTimeoutMs: 5_000 })
  await using consumer = await testConsumer()
  consumer.answer(() => new Promise<number>(() => {}))
  const { endpoints } = host.sender
  const { endpoint: hanging } = await endpoints.create({ tenantId: 1, url: consumer.url })
  const gone = await testConsumer()
  await gone[Symbol.asyncDispose]()
  const { endpoint: away } = await endpoints.create({ tenantId: 1, url: gone.url })
  await raise(host, 1)
  await host.sender.drain()
  const since = new Date(Date.now() - MINUTE_MS)
  expect((await endpoints.statistics(away.id, { since })).total).toEqual({
    attempts: 1,
    succeeded: 0,
    failed: 1,
    exhausted: 1,
  })
  const { total } = await endpoints.statistics(hanging.id, { since })
  expect(total).toMatchObject({ attempts: 1, failed: 1, latency: { p50Ms: expect.any(Number) } })
  expect(total.latency?.p50Ms).toBeGreaterThan(1_500)
})

it('adds everything up once, whoever does it: readers at once, after a restart, or by itself', async () => {
  await using host = await startHost()
  await using consumer = await testConsumer()
  const { endpoint } = await host.sender.endpoints.create({ tenantId: 1, url: consumer.url })
  let raised = 0
  const notAddedUp = () => host.run('select * from xe_webhook_counter')
  // A slow machine may add them up by itself before the host is stopped.
  for (let isFirst = true; isFirst || (await notAddedUp()).length === 0; isFirst = false) {
    await host.sender.start()
    for (const until = raised + 20; raised < until; ) await raise(host, ++raised)
    await host.sender.drain()
    await host.sender.stop()
  }
  await using other = await host.openAnother()
  const since = new Date(Date.now() - 10 * MINUTE_MS)
  const read = ({ sender }: OpenHost) => sender.endpoints.statistics(endpoint.id, { since })
  // Two connections of one thread to one SQLite file cannot write at once.
  const readers = testDialect() === 'postgres' ? [host, other, host, other] : [host, host]
  const answers = await Promise.all(readers.map(read))
  expect(Math.max(...answers.map(({ total }) => total.attempts))).toBe(raised)
  expect((await read(other)).total).toMatchObject({ attempts: raised, succeeded: raised })
  expect(await notAddedUp()).toEqual([])

  await other.start()
  await raise(other, ++raised)
  await other.sender.drain()
  await waitFor(async () => (await notAddedUp()).length === 0, 'what is recorded to be added up by itself')
  expect((await read(other)).total.attempts).toBe(raised)
})

it('counts what is committed after counters that were drawn later', async () => {
  // On SQLite, transactions commit in the order of their keys.
  if (testDialect() === 'sqlite') return
  await using host = await startHost()
  await using consumer = await testConsumer()
  const { endpoint } = await host.sender.endpoints.create({ tenantId: 1, url: consumer.url })
  const since = new Date(Date.now() - 10 * MINUTE_MS)
  const attempts = async () => (await host.sender.endpoints.statistics(endpoint.id, { since })).total.attempts
  const counters = () => host.run<{ body: string }>('select body from xe_webhook_counter')
  let raised = 0
  let body: string | undefined
  while (body === undefined) {
    await raise(host, ++raised)
    await host.sender.drain()
    body = (await counters())[0]?.body
  }
  const late = await host.db.startTransaction().execute()
  await sql`insert into xe_webhook_counter (body) values (${body})`.execute(late)
  // By itself, twice, and for a reader.
  for (let run = 0; run < 2; run++) {
    await raise(host, ++raised)
    await host.sender.drain()
    await waitFor(async () => (await counters()).length === 0, 'the counters to be added up')
  }
  expect(await attempts()).toBe(raised)
  await late.commit().execute()
  expect(await attempts()).toBe(raised + 1)
})

it('keeps minutes for a day, hours for as long as deliveries, and then nothing', async () => {
  const clock = manualClock(START)
  await using host = await startHost({ retentionDays: 3, engine: { clock, pollMaxMs: 2 ** 30 } })
  await using consumer = await testConsumer()
  const { endpoint } = await host.sender.endpoints.create({ tenantId: 1, url: consumer.url })
  for (const minutes of [0, 20, 60]) {
    await clock.advance(START + minutes * MINUTE_MS - clock.now())
    await raise(host, minutes)
    await host.sender.drain()
  }
  await host.engine.stop()
  const total = async () =>
    (await host.sender.endpoints.statistics(endpoint.id, { since: new Date(START) })).total.attempts
  const widths = async () => {
    const rows = await host.run<{ seconds: number }>(
      'select seconds from xe_webhook_statistic order by seconds',
    )
    return rows.map(({ seconds }) => seconds)
  }
  expect(await total()).toBe(3)
  expect(await widths()).toEqual([60, 60, 60, 60, 60, 60])

  await clock.advance(26 * HOUR_MS)
  // Of the endpoint and of its tenant.
  await waitFor(async () => !(await widths()).includes(60), 'the minutes to become hours')
  expect(await widths()).toEqual([3_600, 3_600, 3_600, 3_600])
  const query = { since: new Date(START), until: new Date(START + 2 * HOUR_MS), bucketSeconds: 3_600 }
  const { buckets } = await host.sender.statistics({ tenantId: 1, ...query })
  expect(buckets.map(({ succeeded, latency }) => [succeeded, latency !== undefined])).toEqual([
    [2, true],
    [1, true],
  ])
  await clock.advance(3 * 24 * HOUR_MS)
  await waitFor(async () => (await widths()).length === 0, 'the hours to be dropped')
  expect(await total()).toBe(0)
})

it('chooses buckets that fit a chart, and refuses what makes no sense', async () => {
  await using host = await openHost()
  const { endpoint } = await host.sender.endpoints.create({ tenantId: 1, url: 'https://example.com' })
  const until = new Date(START)
  const read = (hours: number, bucketSeconds?: number) =>
    host.sender.endpoints.statistics(endpoint.id, {
      since: new Date(START - hours * HOUR_MS),
      until,
      bucketSeconds,
    })
  const widths: number[] = []
  for (const hours of [1, 10, 24, 100, 30 * 24, 365 * 24]) widths.push((await read(hours)).bucketSeconds)
  expect(widths).toEqual([60, 300, 900, 3_600, 21_600, 604_800])
  expect((await read(1)).buckets).toHaveLength(60)
  expect((await read(0)).buckets).toHaveLength(1)
  await expect(read(-1)).rejects.toMatchObject({ code: 'invalid_argument', field: 'since' })
  for (const bucketSeconds of [0, 30, 90, 60.5, Number.NaN, '60' as never]) {
    await expect(read(1, bucketSeconds)).rejects.toMatchObject({ field: 'bucketSeconds' })
  }
  await expect(read(34, 60)).rejects.toMatchObject({ field: 'bucketSeconds' })
  await expect(host.sender.statistics({ tenantId: 1, since: new Date(Number.NaN) })).rejects.toMatchObject({
    field: 'since',
  })
})
