import { type ManualClock, manualClock, type TestConsumer, testConsumer, waitFor } from '@x/testkit'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { broughtBack } from '../../src/clock.ts'
import type { CreateEndpoint } from '../../src/index.ts'
import { type HostOptions, type OpenHost, site, startHost } from '../open-host.ts'

const MINUTE = 60_000
const DAY = 24 * 60 * MINUTE
const START = Date.UTC(2026, 0, 1, 12)

interface Ahead {
  readonly host: OpenHost
  readonly clock: ManualClock
  readonly consumer: TestConsumer
  readonly endpointId: string
}

interface Case {
  readonly what: string
  /** How long it waits, its jitter included. */
  readonly lengthMs: number
  readonly options?: HostOptions
  readonly endpoint?: Partial<CreateEndpoint>
  readonly events?: number
  /** What the consumer says while the clock is ahead. */
  readonly answer?: number | { readonly status: number; readonly headers: Record<string, string> }
  /** Done while the clock is ahead; raises events by itself otherwise. */
  ahead?(parts: Ahead): Promise<void>
}

const raise = (host: OpenHost, count = 1) =>
  host.engine.transaction(async ({ raise: add }) => {
    for (let id = 0; id < count; id++) await add(site, 'File', id, 'Update')
  })

const retry = { retrySchedule: [0, 300, 300, 300] }
const cases: readonly Case[] = [
  { what: 'a retry', lengthMs: 5.5 * MINUTE, options: retry, answer: 400 },
  { what: 'a first attempt that is to wait', lengthMs: 5 * MINUTE, options: { retrySchedule: [300] } },
  {
    what: 'a fifo endpoint',
    lengthMs: 5.5 * MINUTE,
    options: retry,
    endpoint: { ordering: 'fifo' },
    events: 5,
    answer: 500,
  },
  {
    what: 'an ordering key',
    lengthMs: 5.5 * MINUTE,
    options: retry,
    endpoint: { ordering: { by: 'entity' } },
    events: 5,
    answer: 400,
  },
  { what: 'an open circuit', lengthMs: 6 * MINUTE, options: retry, events: 30, answer: 503 },
  {
    what: 'a Retry-After',
    lengthMs: 11 * MINUTE,
    options: retry,
    answer: { status: 429, headers: { 'retry-after': '600' } },
  },
  {
    what: 'a token',
    lengthMs: 2 * MINUTE,
    endpoint: { rateLimit: { limit: 1, perSeconds: 60 }, concurrency: 1 },
    events: 2,
    async ahead({ host, consumer }) {
      await raise(host, 2)
      await waitFor(() => consumer.requests.length === 1, 'the first request')
    },
  },
  {
    what: 'a delivery that a person has sent again',
    lengthMs: 0,
    options: { ...retry, canReceive: () => true },
    async ahead({ host, endpointId, consumer }) {
      await waitFor(() => consumer.requests.length >= 1, 'the attempt before the clock was ahead')
      const [delivery] = await host.sender.deliveries.list({ tenantId: 1 })
      await host.sender.stop()
      await host.sender.deliveries.resend(delivery?.id ?? '')
      expect(endpointId).not.toBe('')
    },
  },
]

async function begin({ options, endpoint, answer = 204 }: Case) {
  const clock = manualClock(START)
  const host = await startHost({ ...options, engine: { clock } })
  const consumer = await testConsumer()
  consumer.answer(typeof answer === 'number' ? answer : () => answer)
  const { endpoint: created } = await host.sender.endpoints.create({
    tenantId: 1,
    url: consumer.url,
    ...endpoint,
  })
  return { clock, host, consumer, endpointId: created.id }
}

async function goAhead(one: Case, parts: Ahead): Promise<void> {
  const { clock, host } = parts
  if (one.what.includes('a person')) await raise(host)
  if (one.ahead && one.what.includes('a person')) await host.sender.drain()
  await clock.jump(DAY)
  if (one.ahead) return one.ahead(parts)
  await raise(host, one.events ?? 1)
  await host.sender.drain()
}

async function allSucceed({ host, clock }: Pick<Ahead, 'host' | 'clock'>, lengthMs: number): Promise<void> {
  // The looks of the process notice it, by the machine's own timers.
  await waitFor(
    async () => (await timesAhead(host, clock.now() + lengthMs + 1)) === 0,
    'what lies ahead to be brought back',
  )
  let left = lengthMs
  await waitFor(async () => {
    const { pending } = (await host.sender.stats()).deliveries
    if (pending === 0) return true
    const stepMs = Math.min(left, MINUTE)
    left -= stepMs
    if (stepMs > 0) await clock.jump(stepMs)
    return false
  }, 'everything to be delivered')
  expect((await host.sender.stats()).deliveries.exhausted).toBe(0)
}

/** How many due times, pauses and leases lie behind a time. */
async function timesAhead(host: OpenHost, time: number): Promise<number> {
  const [row] = await host.run<{ count: number }>(`select
    (select count(*) from xe_webhook_delivery where state = 'pending' and due_on > ${time}) +
    (select count(*) from xe_webhook_queue where due_on > ${time} or not_before > ${time}
      or failing_since > ${time}) as count`)
  return Number(row?.count)
}

it.each(cases)('$what waits no longer than it was meant to, in the process that goes on', async (one) => {
  const parts = await begin(one)
  await using host = parts.host
  await using consumer = parts.consumer
  await goAhead(one, parts)
  consumer.answer(204)
  await parts.clock.jump(-DAY)
  await host.sender.start()
  await allSucceed(parts, one.lengthMs)
})

it.each(cases)(
  '$what waits no longer than it was meant to, in the process that comes after it',
  async (one) => {
    const parts = await begin(one)
    await using host = parts.host
    await using consumer = parts.consumer
    await goAhead(one, parts)
    await host.sender.stop()
    await host.engine.stop()
    consumer.answer(204)
    const clock = manualClock(START)
    await using next = await host.openAnother({ engine: { clock } })
    await next.start()
    await allSucceed({ host: next, clock }, one.lengthMs)
  },
)

it('leaves alone what was begun before the clock was ahead, and waits for later', async () => {
  const parts = await begin({
    what: '',
    lengthMs: 0,
    options: { retrySchedule: [0, 2 * 24 * 3_600, 60] },
    answer: 400,
  })
  const { clock, consumer } = parts
  await using host = parts.host
  await using _consumer = consumer
  await raise(host)
  await host.sender.drain()
  const due = async () =>
    (await host.run<{ due_on: number }>('select due_on from xe_webhook_delivery'))[0]?.due_on
  const before = await due()
  expect(before).toBeGreaterThanOrEqual(START + 2 * DAY)
  // Beyond the end of the attempt, which this clock does not measure, and of the time that was noted.
  await clock.jump(MINUTE)
  await clock.jump(DAY)
  await host.sender.drain()
  await clock.jump(-DAY)
  await waitFor(
    async () =>
      (await host.run<{ clock_on: number }>('select clock_on from xe_webhook_reconciliation'))[0]
        ?.clock_on === clock.now(),
    'the clock to be noticed',
  )
  expect(await due()).toBe(before)
  expect(consumer.requests).toHaveLength(1)
})

it('ends the overlap of secrets when it was meant to', async () => {
  const parts = await begin({ what: '', lengthMs: 0 })
  const { clock, consumer, endpointId } = parts
  await using host = parts.host
  await using _consumer = consumer
  await clock.jump(DAY)
  await host.sender.endpoints.rotateSecret(endpointId, { overlapSeconds: 3_600 })
  await clock.jump(-DAY)
  const expiry = async () => (await host.sender.endpoints.secrets(endpointId))[1]?.expiresOn?.getTime()
  await waitFor(async () => (await expiry()) === START + 60 * MINUTE, 'the overlap')
  await raise(host)
  await host.sender.drain()
  expect(consumer.requests[0]?.headers['webhook-signature']?.toString().split(' ')).toHaveLength(2)
  await clock.jump(60 * MINUTE)
  await raise(host)
  await host.sender.drain()
  expect(consumer.requests[1]?.headers['webhook-signature']?.toString().split(' ')).toHaveLength(1)
})

it('ends the overlap of keys when it was meant to', async () => {
  const parts = await begin({ what: '', lengthMs: 0 })
  const { clock, consumer } = parts
  await using host = parts.host
  await using _consumer = consumer
  const { endpoints } = host.sender
  const { endpoint } = await endpoints.create({ tenantId: 1, url: null })
  const { id, key } = await endpoints.createKey(endpoint.id)
  await clock.jump(DAY)
  await endpoints.rotateKey(endpoint.id, id, { overlapSeconds: 3_600 })
  await clock.jump(-DAY)
  const expiry = async () => (await endpoints.listKeys(endpoint.id))[1]?.expiresOn?.getTime()
  await waitFor(async () => (await expiry()) === START + 60 * MINUTE, 'the overlap')
  expect(await endpoints.findByKey(key)).toBeDefined()
  await clock.jump(60 * MINUTE)
  expect(await endpoints.findByKey(key)).toBeUndefined()
})

it('takes over leases of endpoints and jobs that a process on another machine has left behind', async () => {
  const parts = await begin({ what: '', lengthMs: 0 })
  const { clock, consumer, endpointId } = parts
  await using host = parts.host
  await using _consumer = consumer
  await raise(host, 3)
  await host.sender.drain()
  await host.sender.stop()
  await host.sender.deliveries.recover(endpointId, { since: new Date(0) })
  await raise(host, 3)
  const elsewhere = 'elsewhere:1:0:0123456789ab'
  const leftJob = 'job_01900000-0000-7000-8000-000000000001'
  await host.run(`update xe_webhook_queue set leased_by = '${elsewhere}', leased_until = ${START + DAY}`)
  await host.run(`insert into xe_webhook_job (id, tenant_id, endpoint_key, kind, options, position, total, created_on,
      leased_by, leased_until) select '${leftJob}', tenant_id, endpoint_key, kind, options, position, total, created_on,
      '${elsewhere}', ${START + DAY} from xe_webhook_job limit 1`)
  await host.run(`update xe_webhook_reconciliation set clock_on = ${START + DAY}`)
  await host.sender.start()
  await waitFor(async () => {
    await clock.advance(1_000)
    return consumer.requests.length >= 6
  }, 'the lease to be taken over')
  await waitFor(async () => (await host.sender.jobs.get(leftJob)).state !== 'running', 'the job to be ended')
})

it('dates back what was stored ahead of time, so that retention and the disabling of endpoints count rightly', async () => {
  const parts = await begin({ what: '', lengthMs: 0, options: { retrySchedule: [0, 300] }, answer: 500 })
  const { clock, consumer } = parts
  await using host = parts.host
  await using _consumer = consumer
  await clock.jump(DAY)
  await raise(host, 3)
  await host.sender.drain()
  const late = async () => {
    const [row] = await host.run<{ count: number }>(`select
      (select count(*) from xe_webhook_message where created_on > ${START}) +
      (select count(*) from xe_webhook_endpoint where updated_on > ${START}) +
      (select count(*) from xe_webhook_queue where failing_since > ${START}) as count`)
    return Number(row?.count)
  }
  expect(await late()).toBeGreaterThan(0)
  await clock.jump(-DAY)
  await waitFor(async () => (await late()) === 0, 'the dates')
})

it('tells of what happens within the quiet period, however far ahead the alert before was', async () => {
  const chat = await testConsumer()
  await using _chat = chat
  const parts = await begin({ what: '', lengthMs: 0, options: { retrySchedule: [0] }, answer: 500 })
  const { clock, consumer } = parts
  await using host = parts.host
  await using _consumer = consumer
  const to = [{ kind: 'slack' as const, url: chat.url }]
  await host.sender.alerts.update({ tenantId: 1, on: ['exhausted'], to, quietSeconds: 600 })
  await clock.jump(DAY)
  await raise(host)
  await host.sender.drain()
  await waitFor(async () => {
    await clock.advance(1_000)
    return chat.requests.length === 1
  }, 'the first alert')
  const latest = async () => {
    const [row] = await host.run<{ time: number }>(
      'select max(max(quiet_until, since, coalesce(due_on, 0))) as time from xe_webhook_alert',
    )
    return Number(row?.time)
  }
  await waitFor(async () => (await latest()) > START + DAY + 9 * MINUTE, 'the quiet period')
  await clock.jump(-DAY)
  await raise(host)
  await host.sender.drain()
  await waitFor(async () => (await latest()) <= clock.now() + 10 * MINUTE, 'the times to be brought back')
  await waitFor(async () => {
    await clock.jump(MINUTE)
    return chat.requests.length === 2
  }, 'the second alert')
  expect(clock.now()).toBeLessThan(START + DAY)
})

it('counts attempts of a time that has not come by the hour in which retention finds them', async () => {
  const parts = await begin({ what: '', lengthMs: 0 })
  const { clock, consumer } = parts
  await using host = parts.host
  await using _consumer = consumer
  const attempts = async () => {
    const since = new Date(clock.now() - 60 * MINUTE)
    return (await host.sender.statistics({ tenantId: 1, since, until: new Date(clock.now() + MINUTE) })).total
      .attempts
  }
  await clock.jump(DAY)
  await raise(host, 3)
  await host.sender.drain()
  expect(await attempts()).toBe(3)
  await clock.jump(-DAY)
  expect(await attempts()).toBe(0)
  // The timer of retention is by the clock of before.
  await host.sender.stop()
  await host.sender.start()
  await clock.jump(2 * MINUTE)
  await waitFor(async () => (await attempts()) === 3, 'the statistics')
})

it('a due time is never put off, and never earlier than it was meant to be', () => {
  const time = fc.integer({ min: 0, max: 1_000_000 })
  fc.assert(
    fc.property(time, time, time, time, (now, setBackMs, sinceMs, lengthMs) => {
      const clock = { now, latest: now + setBackMs }
      const writtenOn = clock.latest - Math.min(sinceMs, clock.latest)
      const dueOn = writtenOn + lengthMs
      const moved = broughtBack(dueOn, writtenOn, clock)
      expect(moved).toBeLessThanOrEqual(dueOn)
      // Worked out while the clock was ahead: what was left of it.
      if (writtenOn > now) expect(moved).toBe(dueOn <= now ? dueOn : Math.max(now, dueOn - setBackMs))
      if (writtenOn > now) expect(moved - now).toBeLessThanOrEqual(lengthMs)
      else if (dueOn > clock.latest + 1_000) expect(moved).toBe(dueOn)
      else expect(moved).toBe(Math.min(dueOn, now))
    }),
  )
})
