import { manualClock, testConsumer, waitFor } from '@x/testkit'
import { expect } from 'vitest'
import { it } from '../each-database.ts'
import { type HostOptions, type OpenHost, site, startHost } from '../open-host.ts'

const NEVER_MS = 2 ** 30
const BEGIN = Date.UTC(2026, 0, 1)
const DAY_MS = 86_400_000

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

it('has nothing to say of an endpoint that had no attempt, or whose attempts succeed', async () => {
  const { host } = await startTimelessHost()
  await using _host = host
  await using consumer = await testConsumer()
  const { endpoint } = await host.sender.endpoints.create({ tenantId: 1, url: consumer.url })
  const healthy = {
    endpointId: endpoint.id,
    state: 'healthy',
    failures: [],
    waiting: 0,
    waitingCapped: false,
  }
  expect(await host.sender.endpoints.health(endpoint.id)).toEqual(healthy)
  await raiseMany(host, 3)
  expect(await host.sender.endpoints.health(endpoint.id)).toEqual(healthy)
  const ofAnother = host.sender.endpoints.health(endpoint.id, { tenantId: 2 })
  await expect(ofAnother).rejects.toMatchObject({ code: 'endpoint_not_found' })
})

it('tells of a pause until when it lasts, which failures have led to it, and what waits', async () => {
  const { host, clock } = await startTimelessHost({ circuit: { failures: 3, firstPauseSeconds: 60 } })
  await using _host = host
  await using consumer = await testConsumer()
  consumer.answer(500)
  const { endpoint } = await host.sender.endpoints.create({ tenantId: 1, url: consumer.url, concurrency: 1 })
  await raiseMany(host, 1)
  expect(await host.sender.endpoints.health(endpoint.id)).toMatchObject({
    state: 'failing',
    failingSince: new Date(BEGIN),
    disablesOn: new Date(BEGIN + 5 * DAY_MS),
    failures: [{ on: new Date(BEGIN), errorCode: 'http_status', status: 500 }],
  })
  await raiseMany(host, 4)
  const health = await host.sender.endpoints.health(endpoint.id)
  const failed = { on: new Date(BEGIN), errorCode: 'http_status', status: 500 }
  expect(health).toMatchObject({
    state: 'paused',
    pause: { cause: 'failures', failures: [failed, failed, failed] },
    waiting: 5,
    waitingCapped: false,
    oldestWaitingOn: new Date(BEGIN),
  })
  const until = health.pause?.until.getTime() ?? 0
  expect(until).toBeGreaterThanOrEqual(BEGIN + 60_000)
  expect(health.nextAttemptOn?.getTime()).toBe(until)

  consumer.answer(204)
  await clock.advance(until - BEGIN)
  await host.sender.drain()
  await clock.advance(600_000)
  await host.sender.drain()
  const recovered = await host.sender.endpoints.health(endpoint.id)
  expect(recovered).toMatchObject({ state: 'healthy', waiting: 0 })
  expect(recovered.failures, 'it is still to be seen that it has failed').toHaveLength(3)
  expect(recovered).not.toHaveProperty('pause')
  expect(recovered).not.toHaveProperty('failingSince')
})

it('tells whose wish a pause is', async () => {
  const { host } = await startTimelessHost()
  await using _host = host
  await using consumer = await testConsumer()
  consumer.answer(() => ({ status: 429, headers: { 'retry-after': '3600' } }))
  const { endpoint } = await host.sender.endpoints.create({ tenantId: 1, url: consumer.url })
  await raiseMany(host, 1)
  const { state, pause } = await host.sender.endpoints.health(endpoint.id)
  expect({ state, pause }).toMatchObject({
    state: 'paused',
    pause: { cause: 'retry_after', failures: [{ errorCode: 'http_status', status: 429 }] },
  })
})

it('tells of a rate limit that is used up without calling it a failure', async () => {
  const { host } = await startTimelessHost()
  await using _host = host
  await using consumer = await testConsumer()
  const rateLimit = { limit: 1, perSeconds: 3600 }
  const { endpoint } = await host.sender.endpoints.create({ tenantId: 1, url: consumer.url, rateLimit })
  await raise(host, 2)
  const limited = await waitFor(async () => {
    const health = await host.sender.endpoints.health(endpoint.id)
    return health.pause && health.waiting === 1 && health
  }, 'the rate limit is used up, and the first delivery recorded')
  expect(limited).toMatchObject({
    state: 'healthy',
    pause: { cause: 'rate_limit', failures: [] },
    waiting: 1,
  })
})

it('tells since when an endpoint is disabled, and why', async () => {
  const { host } = await startTimelessHost()
  await using _host = host
  await using consumer = await testConsumer()
  consumer.answer(410)
  const { endpoint } = await host.sender.endpoints.create({ tenantId: 1, url: consumer.url })
  await raiseMany(host, 1)
  const health = await host.sender.endpoints.health(endpoint.id)
  expect(health).toMatchObject({
    state: 'disabled',
    disabledOn: new Date(BEGIN),
    disabledReason: 'gone',
    failures: [{ errorCode: 'gone', status: 410 }],
  })
  expect(health).not.toHaveProperty('nextAttemptOn')
})
