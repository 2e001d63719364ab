import { manualClock, testConsumer, waitFor } from '@x/testkit'
import { expect } from 'vitest'
import { it } from '../each-database.ts'
import { type OpenHost, site, startHost } from '../open-host.ts'

const NEVER_MS = 2 ** 30
const SECOND = 1_000
const DAY = 86_400_000

async function startTimelessHost(options: Parameters<typeof startHost>[0] = {}) {
  const clock = manualClock(Date.UTC(2026, 0, 1))
  const host = await startHost({ ...options, engine: { clock, pollMaxMs: NEVER_MS } })
  return { host, clock }
}

function raiseMany(host: OpenHost, count: number) {
  return host.engine.transaction(async ({ raise }) => {
    for (let id = 0; id < count; id++) await raise(site, 'File', id, 'Download')
  })
}

it.each([429, 502, 503, 504])(
  'leaves an endpoint alone after %i, and burns no attempt of what waits',
  async (status) => {
    const { host, clock } = await startTimelessHost()
    await using _host = host
    await using consumer = await testConsumer()
    consumer.answer(status)
    await host.sender.endpoints.create({ tenantId: 1, url: consumer.url, concurrency: 1 })
    await raiseMany(host, 10)
    await host.sender.drain()
    expect(consumer.requests).toHaveLength(1)
    await clock.advance(900)
    expect(consumer.requests).toHaveLength(1)
    // One more look each time, and each time later: after 1, 2, 4 seconds.
    for (const [index, seconds] of [1, 2, 4, 8].entries()) {
      await clock.advance(seconds * 1.1 * SECOND)
      await host.sender.drain()
      expect(consumer.requests.length).toBeLessThanOrEqual(index + 2)
    }
    const attempted = consumer.requests.length
    expect(attempted).toBeGreaterThanOrEqual(4)
    const deliveries = await host.sender.deliveries.list({ tenantId: 1 })
    expect(deliveries.reduce((sum, { attemptCount }) => sum + attemptCount, 0)).toBe(attempted)
    consumer.answer(204)
    await clock.advance(20 * SECOND)
    await clock.advance(400 * SECOND)
    await host.sender.drain()
    expect((await host.sender.stats()).deliveries.pending).toBe(0)
  },
)

it.each([
  ['seconds', () => '60'],
  ['a date', (now: number) => new Date(now + 60 * SECOND).toUTCString()],
])('sends the endpoint nothing else while it asks for time by Retry-After: %s', async (_what, header) => {
  const { host, clock } = await startTimelessHost()
  await using _host = host
  await using consumer = await testConsumer()
  consumer.answer(() => ({ status: 429, headers: { 'retry-after': header(clock.now()) } }))
  await host.sender.endpoints.create({ tenantId: 1, url: consumer.url, concurrency: 1 })
  await raiseMany(host, 5)
  await host.sender.drain()
  consumer.answer(204)
  await clock.advance(50 * SECOND)
  await host.sender.drain()
  expect(consumer.requests).toHaveLength(1)
  await clock.advance(20 * SECOND)
  await host.sender.drain()
  expect(consumer.requests).toHaveLength(6)
})

it('probes an endpoint that does not answer well, less and less often, and is back at full speed at once', async () => {
  const { host, clock } = await startTimelessHost({ circuit: { failures: 3, maxPauseSeconds: 60 } })
  await using _host = host
  await using consumer = await testConsumer()
  consumer.answer(500)
  await host.sender.endpoints.create({ tenantId: 1, url: consumer.url })
  await raiseMany(host, 200)
  await host.sender.drain()
  const before = consumer.requests.length
  expect(before).toBeLessThanOrEqual(16)
  await clock.advance(3_600 * SECOND)
  await host.sender.drain()
  expect(consumer.requests.length - before, 'probes in an hour').toBeLessThanOrEqual(70)
  expect((await host.sender.stats()).deliveries).toMatchObject({ pending: 200, exhausted: 0 })
  consumer.answer(204)
  await clock.advance(70 * SECOND)
  await host.sender.drain()
  expect(consumer.requests.length).toBeGreaterThanOrEqual(before + 190)
})

it('keeps the pause over a restart, and ends it when a person sends something again', async () => {
  const { host, clock } = await startTimelessHost()
  await using _host = host
  await using consumer = await testConsumer()
  consumer.answer(() => ({ status: 503, headers: { 'retry-after': '3600' } }))
  const { endpoint } = await host.sender.endpoints.create({ tenantId: 1, url: consumer.url, concurrency: 1 })
  await raiseMany(host, 5)
  await host.sender.drain()
  await host.sender.stop()
  await host.sender.start()
  await clock.advance(60 * SECOND)
  await host.sender.drain()
  expect(consumer.requests).toHaveLength(1)
  consumer.answer(204)
  await host.sender.sendTest(endpoint.id)
  await host.sender.drain()
  expect(consumer.requests.length).toBe(6)
})

/** What was raised about the sender's own work, oldest first. */
async function told(host: OpenHost): Promise<string[]> {
  const rows = await host.run<{ entity_name: string; action: string; data: string }>(
    "select entity_name, action, cast(data as text) as data from xe_sync_event where entity_name like 'Webhook%' order by 1, seq",
  )
  return rows.map(({ entity_name: name, action, data }) => {
    const { percent = '', reason = '' } = JSON.parse(data) as { percent?: number; reason?: string }
    return `${name}.${action} ${percent}${reason}`.trim()
  })
}

/** Moves the time to each attempt in turn, with the engine at rest: its own timers would only be in the way. */
async function attemptsLater(host: OpenHost, clock: ReturnType<typeof manualClock>, upTo: number) {
  const get = async () => {
    const [one] = await host.sender.deliveries.list({ tenantId: 1, eventType: 'File.Download' })
    return host.sender.deliveries.get(one?.id ?? '')
  }
  for (let delivery = await get(); delivery.attemptCount < upTo; delivery = await get()) {
    const { attemptCount, dueOn } = delivery
    await clock.advance((dueOn?.getTime() ?? 0) - clock.now())
    await waitFor(async () => (await get()).attemptCount > attemptCount, 'the next attempt')
  }
}

const EVERY_12_HOURS = [0, ...Array(15).fill(DAY / 2 / SECOND)]

it('disables an endpoint that fails for five days, warns on the way, and forgets all of it when it is enabled', async () => {
  const { host, clock } = await startTimelessHost()
  await using _host = host
  await using consumer = await testConsumer()
  consumer.answer(500)
  const { endpoint } = await host.sender.endpoints.create({
    tenantId: 1,
    url: consumer.url,
    eventTypes: ['*', 'WebhookEndpoint.*', 'WebhookDelivery.*'],
    retrySchedule: EVERY_12_HOURS,
  })
  const get = () => host.sender.endpoints.get(endpoint.id)
  await raiseMany(host, 1)
  await host.sender.drain()
  expect((await get()).failingSince).toEqual(new Date(Date.UTC(2026, 0, 1)))
  await host.engine.stop()
  await attemptsLater(host, clock, 2)
  expect(await told(host)).toEqual([])
  await attemptsLater(host, clock, 4)
  expect(await told(host)).toEqual(['WebhookEndpoint.Failing 0'])
  // The state is in the database: a restart changes nothing.
  await host.sender.stop()
  await host.sender.start()
  await attemptsLater(host, clock, 10)
  expect(await told(host)).toEqual([
    'WebhookEndpoint.Failing 0',
    'WebhookEndpoint.Failing 50',
    'WebhookEndpoint.Failing 70',
    'WebhookEndpoint.Failing 90',
  ])
  expect((await get()).enabled).toBe(true)
  await attemptsLater(host, clock, 11)
  expect(await get()).toMatchObject({
    enabled: false,
    disabledReason: 'failing',
    disabledOn: expect.any(Date),
  })
  expect((await told(host)).at(-1)).toBe('WebhookEndpoint.Disabled failing')

  await host.sender.endpoints.enable(endpoint.id)
  expect((await get()).failingSince).toBeUndefined()
  // Old failures do not disable it again.
  await attemptsLater(host, clock, 12)
  expect(await get()).toMatchObject({ enabled: true, failingSince: new Date(clock.now()) })

  // It asks for events about its own troubles, and never gets one.
  consumer.answer(204)
  await host.engine.start()
  await host.sender.drain()
  await attemptsLater(host, clock, 13)
  await host.sender.drain()
  expect((await told(host)).at(-1)).toBe('WebhookEndpoint.Recovered')
  const types = consumer.requests.map(({ rawBody }) => JSON.parse(String(rawBody)).type)
  expect(new Set(types)).toEqual(new Set(['File.Download']))
})

it('tells of a recovery when it had warned, and clears the failure', async () => {
  const { host, clock } = await startTimelessHost()
  await using _host = host
  await using consumer = await testConsumer()
  await using watching = await testConsumer()
  await using deaf = await testConsumer()
  consumer.answer(500)
  const { endpoint } = await host.sender.endpoints.create({
    tenantId: 1,
    url: consumer.url,
    eventTypes: ['File.*'],
    retrySchedule: EVERY_12_HOURS,
  })
  await raiseMany(host, 1)
  await host.sender.drain()
  await host.sender.endpoints.create({ tenantId: 1, url: watching.url, eventTypes: ['WebhookEndpoint.*'] })
  await host.sender.endpoints.create({ tenantId: 1, url: deaf.url, eventTypes: ['*', '*.Recovered'] })
  await host.engine.stop()
  await attemptsLater(host, clock, 6)
  consumer.answer(204)
  await attemptsLater(host, clock, 7)
  expect(await told(host)).toEqual([
    'WebhookEndpoint.Failing 0',
    'WebhookEndpoint.Failing 50',
    'WebhookEndpoint.Recovered',
  ])
  expect((await host.sender.endpoints.get(endpoint.id)).failingSince).toBeUndefined()
  await host.engine.start()
  await watching.received(3)
  const [failing] = watching.requests.map(({ rawBody }) => JSON.parse(String(rawBody)))
  expect(failing).toMatchObject({
    type: 'WebhookEndpoint.Failing',
    data: {
      entityId: endpoint.id,
      entity: { endpointId: endpoint.id, percent: 0, disablesOn: '2026-01-06T00:00:00.000Z' },
    },
  })
  // Who asks for everything does not mean the sender's own affairs.
  await host.sender.drain()
  expect(deaf.requests).toHaveLength(0)
})

it.each([
  ['in five minutes by default', {}, 3],
  ['as the host wants it', { failingAfter: { failures: 2, minutes: 0.05 } }, 2],
])(
  'tells of an endpoint that is failing when it has failed for a while: %s',
  async (_, options, attempts) => {
    const { host, clock } = await startTimelessHost(options)
    await using _host = host
    await using consumer = await testConsumer()
    await host.sender.endpoints.create({ tenantId: 1, url: consumer.url })
    // Whoever restarts is back within seconds.
    consumer.answer(500)
    await raiseMany(host, 20)
    await host.sender.drain()
    await clock.advance(2 * SECOND)
    consumer.answer(204)
    await clock.advance(20 * SECOND)
    await host.sender.drain()
    expect((await host.sender.stats()).deliveries.pending).toBe(0)
    expect(await told(host)).toEqual([])

    consumer.answer(500)
    await raiseMany(host, 1)
    await host.sender.drain()
    await host.engine.stop()
    await attemptsLater(host, clock, attempts - 1)
    expect(await told(host)).toEqual([])
    await attemptsLater(host, clock, attempts)
    expect(await told(host)).toEqual(['WebhookEndpoint.Failing 0'])
  },
)

it('does not go in circles when those who listen for exhausted deliveries fail themselves', async () => {
  await using host = await startHost({ retrySchedule: [0], circuit: { failures: 1_000 } })
  await using consumer = await testConsumer()
  consumer.answer(400)
  for (const name of ['a', 'b', 'c']) {
    const eventTypes = ['*', 'WebhookDelivery.*']
    await host.sender.endpoints.create({ tenantId: 1, url: `${consumer.url}/${name}`, eventTypes })
  }
  await raiseMany(host, 1)
  await waitFor(async () => {
    await host.sender.drain()
    return consumer.requests.length >= 9
  }, 'what there is to tell')
  await host.sender.drain()
  // Three deliveries, each end of which is told to the two others: and that is all.
  expect(consumer.requests).toHaveLength(9)
})

it('sends at once what a person wants to be sent again, although others wait for the pause to end', async () => {
  const { host } = await startTimelessHost({ circuit: { firstPauseSeconds: 3_600, maxPauseSeconds: 3_600 } })
  await using _host = host
  await using consumer = await testConsumer()
  consumer.answer(503)
  await host.sender.endpoints.create({ tenantId: 1, url: consumer.url, concurrency: 1 })
  await raiseMany(host, 4)
  await host.sender.drain()
  const ids = () => consumer.requests.map(({ headers }) => headers['webhook-id'])
  expect(ids()).toHaveLength(1)

  const tried = (await host.sender.deliveries.list({ tenantId: 1 })).find(
    ({ attemptCount }) => attemptCount > 0,
  )
  await host.sender.deliveries.resend(tried?.id ?? '')
  await host.sender.drain()

  expect(ids()).toEqual([tried?.eventId, tried?.eventId])
})
