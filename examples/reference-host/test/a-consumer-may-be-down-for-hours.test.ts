import { manualClock, testConsumer } from '@x/testkit'
import { expect, it } from 'vitest'
import { openTestHost, upload } from './open-test-host.ts'

const SEVEN_MINUTES = 7 * 60 * 1_000

it("delivers a webhook to a consumer that was down for hours, which take no time where the clock is a test's", async () => {
  const clock = manualClock(Date.UTC(2026, 0, 1))
  await using host = await openTestHost({ clock })
  await using consumer = await testConsumer()
  const { sender } = host.host.services
  consumer.answer(500)
  const body = { url: consumer.url, eventTypes: ['File.Download'] }
  expect((await host.send('/portal/api/endpoints', { body })).status).toBe(201)
  await upload(host, 'a.txt', 'content')
  await host.send('/api/File/download/1')
  await sender.drain()

  for (let attempts = 1; attempts <= 6; attempts++) {
    const [delivery] = await sender.deliveries.list({ tenantId: 1 })
    expect(delivery).toMatchObject({ state: 'pending', attemptCount: attempts, lastStatus: 500 })
    if (attempts === 6) consumer.answer(204)
    // What fails again and again is also left alone for some minutes.
    await clock.jump((delivery?.dueOn?.getTime() ?? 0) - clock.now() + SEVEN_MINUTES)
    await sender.drain()
  }

  const [delivery] = await sender.deliveries.list({ tenantId: 1 })
  expect(delivery).toMatchObject({ state: 'succeeded', attemptCount: 7 })
  expect(new Set(consumer.requests.map(({ headers }) => headers['webhook-id'])).size).toBe(1)
  expect(clock.now() - Date.UTC(2026, 0, 1)).toBeGreaterThan(17 * 3_600_000)
})
