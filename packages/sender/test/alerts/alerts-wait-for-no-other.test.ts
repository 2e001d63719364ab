import { manualClock, type TestConsumer, testConsumer, waitFor } from '@x/testkit'
import { expect, it as onSqlite } from 'vitest'
import type { AlertMail } from '../../src/index.ts'
import { it } from '../each-database.ts'
import { type HostOptions, type OpenHost, site, startHost } from '../open-host.ts'

const HOUR = 3_600_000

/** Has a consumer respond to nothing until it is released. */
function hold(consumer: TestConsumer): Disposable & { release(): void } {
  const { promise, resolve } = Promise.withResolvers<number>()
  consumer.answer(() => promise)
  const release = () => resolve(204)
  return { release, [Symbol.dispose]: release }
}

/** Has each endpoint of a tenant one delivery that is exhausted. */
async function loseOne({ engine }: OpenHost, tenantId: number): Promise<void> {
  await engine.syncManager.addSyncEvent({ ...site, tenantId }, 'File', 1, 'Update')
}

it('holds no tenant up for the chats of another that do not respond, however many those are', async () => {
  const mails: AlertMail[] = []
  await using host = await startHost({
    retrySchedule: [0],
    timeoutMs: 60_000,
    stopTimeoutMs: 100,
    alerts: { sendMail: (mail) => void mails.push(mail) },
  })
  await using consumer = await testConsumer()
  await using chat = await testConsumer()
  consumer.answer(400)
  using held = hold(chat)
  const { alerts, endpoints } = host.sender
  const to = [{ kind: 'slack', url: chat.url }] as const
  await alerts.update({ tenantId: 1, on: ['exhausted'], to })
  await alerts.update({
    tenantId: 2,
    on: ['exhausted'],
    to: [...to, { kind: 'email', address: 'ada@example.com' }],
  })
  for (let each = 0; each < 60; each++) await endpoints.create({ tenantId: 1, url: consumer.url })
  await endpoints.create({ tenantId: 2, url: consumer.url })
  await loseOne(host, 1)
  await chat.received(1)
  await host.sender.drain()

  await loseOne(host, 2)
  await waitFor(() => mails.length === 1, 'the e-mail', 15_000)
  expect(mails[0]).toMatchObject({ tenantId: 2 })
  // Of one tenant, few are under way at once; the others have not been taken.
  expect(chat.requests.length).toBeLessThanOrEqual(10)
  held.release()
  await chat.received(61)
})

onSqlite('sends an alert once that is under way when the clock is set back', async () => {
  const clock = manualClock(Date.UTC(2026, 0, 1))
  const options: HostOptions = {
    retrySchedule: [0],
    sharesConnection: true,
    timeoutMs: 60_000,
    engine: { clock },
  }
  await using first = await startHost(options)
  await using consumer = await testConsumer()
  await using chat = await testConsumer()
  consumer.answer(400)
  using held = hold(chat)
  const { alerts, endpoints } = first.sender
  const to = [{ kind: 'slack', url: chat.url }] as const
  await alerts.update({ tenantId: 1, on: ['exhausted'], to, quietSeconds: 0 })
  await endpoints.create({ tenantId: 1, url: consumer.url })
  await loseOne(first, 1)
  await chat.received(1)
  await clock.jump(-HOUR)
  await waitFor(async () => (await latestTime(first)) <= clock.now(), 'the times to be brought back')

  // It looks for alerts when it starts, and would wait for what it sends when it stops.
  await using second = await first.openAnother()
  await second.start()
  await second.sender.stop()
  expect(chat.requests).toHaveLength(1)
  held.release()
  await waitFor(async () => (await due(first)) === 0, 'the alert to be ended')
  expect(chat.requests).toHaveLength(1)
})

async function latestTime(host: OpenHost): Promise<number> {
  const [row] = await host.run<{ time: number }>(
    'select max(max(since, due_on)) as time from xe_webhook_alert',
  )
  return Number(row?.time)
}

async function due(host: OpenHost): Promise<number> {
  return (await host.run('select 1 from xe_webhook_alert where due_on is not null')).length
}
