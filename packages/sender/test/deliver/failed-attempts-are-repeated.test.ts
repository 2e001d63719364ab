import { manualClock, testConsumer, waitFor } from '@x/testkit'
import { expect } from 'vitest'
import { it } from '../each-database.ts'
import { type OpenHost, site, startHost } from '../open-host.ts'

const SCHEDULE = [0, 5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400]
const NEVER_MS = 2 ** 30

/** A host whose time stands still until the test moves it. */
async function startTimelessHost(options: Parameters<typeof startHost>[0] = {}) {
  const clock = manualClock(Date.UTC(2026, 0, 1))
  const host = await startHost({ ...options, engine: { clock, pollMaxMs: NEVER_MS } })
  return { host, clock }
}

async function onlyDelivery(host: OpenHost) {
  const [delivery] = await host.sender.deliveries.list({ tenantId: 1 })
  return host.sender.deliveries.get(delivery?.id ?? '')
}

it('keeps the webhook-id and the body, and gives each attempt its own timestamp and signature', async () => {
  const { host, clock } = await startTimelessHost()
  await using _host = host
  await using consumer = await testConsumer()
  consumer.answer(500)
  await host.sender.endpoints.create({ tenantId: 1, url: consumer.url })
  const event = await host.engine.syncManager.addSyncEvent(site, 'File', 1, 'Download')
  await consumer.received(1)
  await waitFor(async () => (await onlyDelivery(host)).attemptCount === 1, 'the record')
  consumer.answer(204)
  await clock.advance(6_000)
  const [first, second] = await consumer.received(2)

  expect(first?.headers['webhook-id']).toBe(event.id)
  expect(second?.headers['webhook-id']).toBe(event.id)
  expect(second?.rawBody).toEqual(first?.rawBody)
  expect(Number(second?.headers['webhook-timestamp'])).toBeGreaterThanOrEqual(
    Number(first?.headers['webhook-timestamp']) + 5,
  )
  expect(second?.headers['webhook-signature']).not.toBe(first?.headers['webhook-signature'])
  await waitFor(async () => (await onlyDelivery(host)).state === 'succeeded', 'success')
})

it('follows the whole schedule of Standard Webhooks, never early, and ends exhausted', async () => {
  const { host, clock } = await startTimelessHost()
  await using _host = host
  await using consumer = await testConsumer()
  consumer.answer(503)
  await host.sender.endpoints.create({ tenantId: 1, url: consumer.url })
  await host.engine.syncManager.addSyncEvent(site, 'File', 1, 'Download')
  await consumer.received(1)
  await waitFor(async () => (await onlyDelivery(host)).attemptCount === 1, 'the record')
  // The engine's own timers would only be in the way of moving days.
  await host.engine.stop()

  for (let attempt = 2; attempt <= SCHEDULE.length; attempt++) {
    const dueOn = (await onlyDelivery(host)).dueOn?.getTime() ?? 0
    await clock.advance(dueOn - clock.now() - 1)
    expect(consumer.requests).toHaveLength(attempt - 1)
    await clock.advance(1)
    await consumer.received(attempt)
    await waitFor(async () => (await onlyDelivery(host)).attemptCount === attempt, 'the record')
  }

  const delivery = await onlyDelivery(host)
  expect(delivery).toMatchObject({ state: 'exhausted', attemptCount: 10, lastStatus: 503 })
  expect(delivery.dueOn).toBeUndefined()
  const times = delivery.attempts.map(({ startedOn }) => startedOn.getTime())
  const pauses = times.slice(1).map((time, index) => (time - (times[index] as number)) / 1_000)
  for (const [index, pause] of pauses.entries()) {
    const scheduled = SCHEDULE[index + 1] as number
    expect(pause).toBeGreaterThanOrEqual(scheduled)
    expect(pause).toBeLessThanOrEqual(scheduled * 1.1 + 0.01)
  }
  await clock.advance(10 * 86_400_000)
  expect(consumer.requests).toHaveLength(10)
})

it('takes another schedule', async () => {
  await using host = await startHost({ retrySchedule: [0, 0.01, 0.02] })
  await using consumer = await testConsumer()
  consumer.answer(500)
  await host.sender.endpoints.create({ tenantId: 1, url: consumer.url })
  await host.engine.syncManager.addSyncEvent(site, 'File', 1, 'Download')
  await waitFor(async () => (await onlyDelivery(host)).state === 'exhausted', 'the end')
  expect(consumer.requests).toHaveLength(3)
  expect(await host.sender.stats()).toMatchObject({
    deliveries: { pending: 0, exhausted: 1 },
    sinceStart: { attempts: 3, succeeded: 0, failed: 3, exhausted: 1 },
  })
})

it.each([
  ['seconds', 429, () => '60', 60],
  ['a date', 503, (now: number) => new Date(now + 90_000).toUTCString(), 89],
  ['seconds that would shorten the schedule', 429, () => '1', 5],
  ['more than a day', 429, () => '999999', 86_400],
  ['what it does not honour on other statuses', 500, () => '60', 5],
  ['nonsense', 429, () => 'soon', 5],
])('waits as long as Retry-After asks: %s', async (_what, status, header, expectedSeconds) => {
  const { host, clock } = await startTimelessHost()
  await using _host = host
  await using consumer = await testConsumer()
  consumer.answer(() => ({ status, headers: { 'retry-after': header(clock.now()) } }))
  await host.sender.endpoints.create({ tenantId: 1, url: consumer.url })
  await host.engine.syncManager.addSyncEvent(site, 'File', 1, 'Download')
  const { dueOn } = await waitFor(async () => {
    const delivery = await onlyDelivery(host)
    return delivery.attemptCount === 1 && delivery
  }, 'the record')
  const seconds = ((dueOn?.getTime() ?? 0) - clock.now()) / 1_000
  expect(seconds).toBeGreaterThanOrEqual(expectedSeconds)
  expect(seconds).toBeLessThanOrEqual(expectedSeconds * 1.1 + 1)
})
