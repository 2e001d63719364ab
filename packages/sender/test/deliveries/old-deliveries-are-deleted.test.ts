import { manualClock, testConsumer, waitFor } from '@x/testkit'
import { expect } from 'vitest'
import { it, testDialect } from '../each-database.ts'
import { site, startHost } from '../open-host.ts'

const DAY_MS = 86_400_000

it('deletes what is older than the retention, except what still waits', async () => {
  const clock = manualClock()
  await using host = await startHost({
    retentionDays: 3,
    retrySchedule: [0, 20 * 86_400],
    engine: { clock, pollMaxMs: 2 ** 30 },
  })
  await using consumer = await testConsumer()
  await using failing = await testConsumer()
  failing.answer(500)
  await host.sender.endpoints.create({ tenantId: 1, url: consumer.url })
  await host.sender.endpoints.create({ tenantId: 1, url: failing.url, eventTypes: ['Page.*'] })
  await host.engine.syncManager.addSyncEvent(site, 'File', 1, 'Download')
  await host.engine.syncManager.addSyncEvent(site, 'Page', 2, 'Create')
  await host.sender.drain()
  await host.engine.stop()
  expect(await host.sender.deliveries.list({ tenantId: 1 })).toHaveLength(3)

  await clock.advance(2 * DAY_MS)
  expect(await host.sender.deliveries.list({ tenantId: 1 })).toHaveLength(3)
  await clock.advance(2 * DAY_MS)
  const left = await waitFor(async () => {
    const deliveries = await host.sender.deliveries.list({ tenantId: 1 })
    return deliveries.length === 1 && deliveries
  }, 'the old ones to be deleted')
  expect(left).toMatchObject([{ eventType: 'Page.Create', state: 'pending' }])
  expect((await host.sender.deliveries.get(left[0]?.id ?? '')).attempts).toHaveLength(1)
  expect(await host.run('select * from xe_webhook_message')).toHaveLength(1)
  expect(await host.run('select * from xe_webhook_attempt')).toHaveLength(1)
})

it('deletes jobs that have ended before, as long as they say who has cancelled a delivery', async () => {
  const clock = manualClock()
  await using host = await startHost({ retentionDays: 3, engine: { clock, pollMaxMs: 2 ** 30 } })
  await host.engine.stop()
  const { endpoints, deliveries, jobs } = host.sender
  const { endpoint } = await endpoints.create({ tenantId: 1, url: 'https://example.com' })
  for (let index = 0; index < 3; index++) await deliveries.cancelPending(endpoint.id)
  const [long] = await jobs.list({ tenantId: 1 })
  // More than are deleted in one statement.
  const copied = 'endpoint_key, kind, state, options, position, total, created_on, finished_on'
  const numbers =
    testDialect() === 'sqlite'
      ? '(with recursive s(n) as (values (1) union all select n + 1 from s where n < 600) select n from s)'
      : '(select n from generate_series(1::bigint, 600) n) s'
  await host.run(`insert into xe_webhook_job (id, tenant_id, ${copied})
    select j.id || n, 2, ${copied} from xe_webhook_job j cross join ${numbers} where j.id <> '${long?.id}'`)
  await host.run(
    `update xe_webhook_job set finished_on = created_on + ${2 * DAY_MS} where id = '${long?.id}'`,
  )
  const idsOf = async () =>
    (await host.run<{ id: string }>('select id from xe_webhook_job order by key')).map(({ id }) => id)

  await clock.advance(2 * DAY_MS)
  const later = await deliveries.cancelPending(endpoint.id)
  expect(await idsOf()).toHaveLength(3 + 1_200 + 1)
  await clock.advance(2 * DAY_MS)
  await waitFor(async () => (await idsOf()).length <= 2, 'the old ones to be deleted')
  expect(await idsOf()).toEqual([long?.id, later.id])
})

it('is not held up by deliveries that somebody has deleted by hand', async () => {
  await using host = await startHost()
  await using consumer = await testConsumer()
  consumer.answer(500)
  const { endpoint } = await host.sender.endpoints.create({ tenantId: 1, url: consumer.url })
  await host.engine.syncManager.addSyncEvent(site, 'File', 1, 'Download')
  await host.sender.drain()
  const [delivery] = await host.sender.deliveries.list({ tenantId: 1 })
  await host.sender.endpoints.disable(endpoint.id)
  await host.run('update xe_webhook_queue set due_on = 1')
  await host.run('delete from xe_webhook_delivery')
  await host.sender.endpoints.enable(endpoint.id)
  await host.sender.drain()
  await expect(host.sender.deliveries.get(delivery?.id ?? '')).rejects.toMatchObject({
    code: 'delivery_not_found',
  })
})
