import { testConsumer, waitFor } from '@x/testkit'
import { expect } from 'vitest'
import { it } from '../each-database.ts'
import { site, startHost } from '../open-host.ts'

it('delivers to everybody else while some hang, however many requests those have taken', async () => {
  await using host = await startHost({ maxInFlight: 16 })
  await using healthy = await testConsumer()
  await using hanging = await testConsumer()
  const letGo: (() => void)[] = []
  hanging.answer(() => new Promise((resolve) => letGo.push(() => resolve(204))))
  // More requests can hang than there is room for.
  for (let index = 0; index < 4; index++) {
    await host.sender.endpoints.create({ tenantId: 1, url: `${hanging.url}/${index}` })
    await host.sender.endpoints.create({ tenantId: 1, url: `${healthy.url}/${index}` })
  }
  await host.engine.transaction(async ({ raise }) => {
    for (let id = 0; id < 100; id++) await raise(site, 'File', id, 'Download')
  })
  await healthy.received(400)
  expect(letGo.length).toBeGreaterThanOrEqual(16)
  // Eight of each that hangs, once the last answers of the others are in.
  await waitFor(async () => (await host.sender.stats()).inFlight <= 32, 'the others to be done')
  hanging.answer(204)
  for (const one of letGo) one()
  await host.sender.drain()
  expect(hanging.requests).toHaveLength(400)
})

it("keeps to an endpoint's own measure of concurrency", async () => {
  await using host = await startHost()
  await using consumer = await testConsumer()
  let underWay = 0
  let most = 0
  consumer.answer(async () => {
    underWay += 1
    most = Math.max(most, underWay)
    await new Promise((resolve) => setTimeout(resolve, 3))
    underWay -= 1
    return 204
  })
  await host.sender.endpoints.create({ tenantId: 1, url: consumer.url, concurrency: 3 })
  await host.engine.transaction(async ({ raise }) => {
    for (let id = 0; id < 40; id++) await raise(site, 'File', id, 'Download')
  })
  await host.sender.drain()
  expect(consumer.requests).toHaveLength(40)
  expect(most).toBe(3)
})

it('asks an endpoint that fails for one answer at a time', async () => {
  await using host = await startHost({ retrySchedule: [0], circuit: { failures: 1_000 } })
  await using consumer = await testConsumer()
  let underWay = 0
  let late = 0
  consumer.answer(async () => {
    underWay += 1
    if (consumer.requests.length > 30) late = Math.max(late, underWay)
    await new Promise((resolve) => setTimeout(resolve, 1))
    underWay -= 1
    return 500
  })
  await host.sender.endpoints.create({ tenantId: 1, url: consumer.url })
  await host.engine.transaction(async ({ raise }) => {
    for (let id = 0; id < 60; id++) await raise(site, 'File', id, 'Download')
  })
  await waitFor(async () => (await host.sender.stats()).deliveries.exhausted === 60, 'the end')
  expect(late).toBe(1)
})
