import { type ManualClock, manualClock, type TestConsumer, testConsumer, waitFor } from '@x/testkit'
import { expect } from 'vitest'
import type { AlertMail } from '../../src/index.ts'
import { it } from '../each-database.ts'
import { type OpenHost, site, startHost } from '../open-host.ts'

const SECOND = 1_000
const MINUTE = 60 * SECOND

interface Story {
  readonly host: OpenHost
  readonly clock: ManualClock
  readonly consumer: TestConsumer
}

/** Has the endpoint attempted once more. */
async function attempt({ host, clock, consumer }: Story): Promise<void> {
  const { length } = consumer.requests
  await clock.jump(70 * SECOND)
  await waitFor(() => consumer.requests.length > length, 'another attempt')
  await host.sender.drain()
}

async function waitingAlerts(host: OpenHost): Promise<readonly string[]> {
  const rows = await host.run<{ kind: string }>('select kind from xe_webhook_alert where due_on is not null')
  return rows.map(({ kind }) => kind)
}

it('tells that an endpoint fails, is disabled and has recovered, once each and in this order', async () => {
  const clock = manualClock(Date.UTC(2026, 0, 1))
  const mails: AlertMail[] = []
  await using host = await startHost({
    engine: { clock },
    // 14.4 minutes.
    disableAfterDays: 0.01,
    failingAfter: { failures: 2, minutes: 1 },
    circuit: { failures: 1_000 },
    retrySchedule: [0, ...Array<number>(40).fill(60)],
    alerts: { sendMail: (mail) => void mails.push(mail) },
  })
  await using consumer = await testConsumer()
  consumer.answer(500)
  const story = { host, clock, consumer }
  const { alerts, endpoints } = host.sender
  await alerts.update({
    tenantId: 1,
    on: ['failing', 'disabled', 'recovered'],
    to: [{ kind: 'email', address: 'ada@example.com' }],
    quietSeconds: 3_600,
  })
  const { endpoint } = await endpoints.create({ tenantId: 1, url: consumer.url })
  const told = () => mails.map(({ subject }) => subject.replace(consumer.url, 'it'))
  const untilTold = (count: number) => waitFor(() => mails.length >= count, `${count} alerts`, 60_000)
  const isEnabled = async () => (await endpoints.get(endpoint.id)).enabled

  await host.engine.syncManager.addSyncEvent(site, 'File', 1, 'Update')
  await host.sender.drain()
  expect(mails).toEqual([])
  await attempt(story)
  await untilTold(1)
  // At 50, 70 and 90 percent of the way it is still the quiet period of the first alert.
  while (await isEnabled()) await attempt(story)
  await untilTold(2)
  expect(await waitingAlerts(host)).toEqual(['failing'])
  expect(told()).toEqual(['Webhooks to it are failing', 'The webhook endpoint it was disabled'])
  expect(mails[0]?.text).toContain('No request has succeeded since Jan 1, 2026, 00:00 UTC.')
  expect(mails[0]?.text).toContain('will be disabled on Jan 1, 2026, 00:14 UTC')

  consumer.answer(204)
  await endpoints.enable(endpoint.id)
  await attempt(story)
  await untilTold(3)
  expect(told()[2]).toBe('Webhooks to it succeed again')

  // Within its quiet period it fails again, and is well by the end of that: nobody is told of either.
  consumer.answer(500)
  await host.engine.syncManager.addSyncEvent(site, 'File', 2, 'Update')
  await host.sender.drain()
  for (let failed = 0; failed < 3; failed++) await attempt(story)
  expect(await waitingAlerts(host)).toEqual(['failing'])
  consumer.answer(204)
  await attempt(story)
  expect((await waitingAlerts(host)).toSorted()).toEqual(['failing', 'recovered'])
  await clock.jump(45 * MINUTE)
  await waitFor(
    async () => !(await waitingAlerts(host)).includes('failing'),
    'its quiet period to be over',
    60_000,
  )
  expect(mails).toHaveLength(3)
  await clock.jump(45 * MINUTE)
  await waitFor(
    async () => (await waitingAlerts(host)).length === 0,
    'the other quiet period to be over',
    60_000,
  )
  expect(mails).toHaveLength(3)

  // The quiet periods are over: what happens now is told at once.
  consumer.answer(500)
  await host.engine.syncManager.addSyncEvent(site, 'File', 3, 'Update')
  await host.sender.drain()
  await attempt(story)
  await untilTold(4)
  consumer.answer(204)
  await attempt(story)
  await untilTold(5)
  expect(told()).toEqual([
    'Webhooks to it are failing',
    'The webhook endpoint it was disabled',
    'Webhooks to it succeed again',
    'Webhooks to it are failing',
    'Webhooks to it succeed again',
  ])
})

it('sends each alert once, from whichever of two nodes', async () => {
  const count = 30
  await using first = await startHost({ retrySchedule: [0], sharesConnection: true })
  await using second = await first.openAnother()
  await second.start()
  await using consumer = await testConsumer()
  await using chat = await testConsumer()
  consumer.answer(400)
  for (let tenantId = 1; tenantId <= count; tenantId++) {
    const to = [{ kind: 'slack', url: `${chat.url}/${tenantId}` }] as const
    await first.sender.alerts.update({ tenantId, on: ['exhausted'], to })
    await first.sender.endpoints.create({ tenantId, url: consumer.url })
  }
  await first.engine.transaction(async ({ raise }) => {
    for (let tenantId = 1; tenantId <= count; tenantId++)
      await raise({ tenantId, siteId: 7 }, 'File', 1, 'Update')
  })
  await waitFor(async () => (await first.sender.stats()).deliveries.exhausted === count, 'all to have failed')
  await chat.received(count)
  await waitFor(async () => (await waitingAlerts(first)).length === 0, 'nothing to be left')
  expect(new Set(chat.requests.map(({ path }) => path)).size).toBe(count)
  expect(chat.requests).toHaveLength(count)
})
