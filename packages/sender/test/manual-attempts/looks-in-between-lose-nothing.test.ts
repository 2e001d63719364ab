import { testConsumer } from '@x/testkit'
import { it } from '../each-database.ts'
import { site, startHost } from '../open-host.ts'

/** The worker looks again and again; that its lease is extended does not help. */
const NEVER = 1_000_000
const ENDPOINTS = 8
/** Fewer than may be asked for in ten seconds. */
const ROUNDS = 8

it('sends what a person asks for while a paused endpoint is looked at again and again', async () => {
  await using host = await startHost({ retrySchedule: [0, 3_600], pollMaxMs: 10, leaseMs: NEVER })
  await using consumer = await testConsumer()
  consumer.answer(() => ({ status: 503, headers: { 'retry-after': '3600' } }))
  for (let index = 0; index < ENDPOINTS; index++) {
    await host.sender.endpoints.create({ tenantId: 1, url: consumer.url })
  }
  await host.engine.syncManager.addSyncEvent(site, 'File', 1, 'Download')
  await consumer.received(ENDPOINTS)
  await host.sender.drain()
  const deliveries = await host.sender.deliveries.list({ tenantId: 1 })
  for (let round = 1; round <= ROUNDS; round++) {
    await Promise.all(deliveries.map(({ id }) => host.sender.deliveries.resend(id)))
    await consumer.received(ENDPOINTS * (1 + round))
  }
})
