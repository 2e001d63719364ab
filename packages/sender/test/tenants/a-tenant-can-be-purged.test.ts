import { ALL_SITES, ALL_TENANTS } from '@x/events-core'
import { testConsumer, waitFor } from '@x/testkit'
import { expect } from 'vitest'
import { it } from '../each-database.ts'
import { type OpenHost, openHost, startHost } from '../open-host.ts'

const TABLES = [
  'endpoint',
  'secret',
  'message',
  'delivery',
  'attempt',
  'queue',
  'statistic',
  'counter',
  'job',
]

const raise = (host: OpenHost, tenantId: number, id: number) =>
  host.engine.syncManager.addSyncEvent({ tenantId, siteId: ALL_SITES }, 'File', id, 'Update')

async function rowCounts(host: OpenHost): Promise<Record<string, number>> {
  const counts: Record<string, number> = {}
  for (const table of TABLES) {
    const [row] = await host.run<{ count: number }>(`select count(*) as count from xe_webhook_${table}`)
    counts[table] = Number(row?.count)
  }
  // The only attempt of a delivery that was sent straight lies in its row.
  const [inline] = await host.run<{ count: number }>(
    'select count(*) as count from xe_webhook_delivery where url is not null',
  )
  counts['attempt'] = (counts['attempt'] ?? 0) + Number(inline?.count)
  return counts
}

/** Endpoints of a tenant, one of them deleted, with deliveries in every state. */
async function fill(host: OpenHost, tenantId: number, urls: { well: string; badly: string }) {
  const { endpoints, deliveries } = host.sender
  const { endpoint } = await endpoints.create({ tenantId, url: urls.well })
  const { endpoint: failing } = await endpoints.create({ tenantId, url: urls.badly })
  const { endpoint: deleted } = await endpoints.create({ tenantId, url: urls.badly, ordering: 'fifo' })
  for (let id = 1; id <= 3; id++) await raise(host, tenantId, id)
  await raise(host, ALL_TENANTS, 4)
  await host.sender.drain()
  await endpoints.delete(deleted.id)
  await deliveries.cancelPending(failing.id, { eventTypes: ['Page.*'] })
  return { endpoint, failing }
}

it('deletes everything of one tenant, and nothing of another', async () => {
  await using host = await startHost({ retrySchedule: [0, 3_600] })
  await using well = await testConsumer()
  await using badly = await testConsumer()
  badly.answer(400)
  const urls = { well: well.url, badly: badly.url }
  const { endpoint: kept } = await fill(host, 2, urls)
  const since = new Date(Date.now() - 3_600_000)
  await host.sender.statistics({ tenantId: 2, since })
  const before = await rowCounts(host)
  const listed = await host.sender.deliveries.list({ tenantId: 2 })

  const { endpoint } = await fill(host, 1, urls)
  await host.sender.statistics({ tenantId: 1, since })
  // That of all tenants has reached the other one, too.
  const shared = (await host.sender.deliveries.list({ tenantId: 2 })).length - listed.length
  expect(shared).toBe(2)
  expect(await host.sender.purgeTenant(1)).toEqual({
    endpoints: 3,
    deliveries: 12,
    events: 3,
    parkedEvents: 0,
  })
  const after = await rowCounts(host)
  expect(after).toEqual({
    ...before,
    message: (before['message'] ?? 0) + 1,
    delivery: (before['delivery'] ?? 0) + shared,
    attempt: (before['attempt'] ?? 0) + shared,
    statistic: after['statistic'],
  })
  expect(await host.run('select * from xe_webhook_statistic where tenant_id = 1')).toEqual([])
  await expect(host.sender.endpoints.get(endpoint.id)).rejects.toMatchObject({ code: 'endpoint_not_found' })
  expect(await host.sender.deliveries.list({ tenantId: 1 })).toEqual([])
  expect((await host.sender.statistics({ tenantId: 2, since })).total.attempts).toBe(11)
  await raise(host, 1, 5)
  await raise(host, 2, 6)
  await host.sender.drain()
  expect(
    await host.sender.deliveries.list({ tenantId: 2, endpointId: kept.id, state: 'succeeded' }),
  ).toHaveLength(6)
  expect(await host.sender.purgeTenant(1), 'once more').toEqual({
    endpoints: 0,
    deliveries: 0,
    events: 1,
    parkedEvents: 0,
  })
  await expect(host.sender.purgeTenant(ALL_TENANTS)).rejects.toMatchObject({ field: 'tenantId' })
})

it('stores nothing of what comes of attempts that are under way', async () => {
  await using host = await startHost()
  await using consumer = await testConsumer()
  const answers: ((status: number) => void)[] = []
  consumer.answer(() => new Promise<number>((resolve) => answers.push(resolve)))
  await host.sender.endpoints.create({ tenantId: 1, url: consumer.url })
  await using other = await testConsumer()
  await host.sender.endpoints.create({ tenantId: 2, url: other.url })
  for (let id = 1; id <= 4; id++) await raise(host, 1, id)
  await waitFor(() => answers.length === 4, 'the questions')
  await host.sender.purgeTenant(1)
  for (const answer of answers) answer(204)
  await waitFor(async () => (await host.sender.stats()).inFlight === 0, 'the answers')
  // Recorded after them.
  await raise(host, 2, 5)
  await host.sender.drain()
  await host.sender.statistics({ tenantId: 1, since: new Date(Date.now() - 3_600_000) })
  expect(await rowCounts(host)).toMatchObject({
    endpoint: 1,
    delivery: 1,
    attempt: 1,
    queue: 1,
    counter: 0,
  })
  expect(await host.run('select * from xe_webhook_statistic where tenant_id = 1')).toEqual([])
  expect(consumer.requests).toHaveLength(4)
})

it('goes on where it was interrupted, batch by batch', async () => {
  await using host = await openHost()
  await host.sender.endpoints.create({ tenantId: 1, url: 'https://example.com' })
  await host.engine.start()
  for (const [table, columns] of [
    [
      'message',
      "event_id, tenant_id, site_id, event_type, created_on, body) select 'evt_' || n, 1, 1, 'File.Update', 1, '{}'",
    ],
    ['delivery', 'message_key, endpoint_key, created_on) select n, 1, 1'],
  ]) {
    await host.run(`insert into xe_webhook_${table} (${columns}
      from (with recursive s(n) as (select 1 union all select n + 1 from s where n < 1200) select n from s) numbers`)
  }
  // As if a process had been killed after the first steps.
  await host.run('update xe_webhook_endpoint set deleted_on = 1')
  await host.run('delete from xe_webhook_delivery where message_key <= 500')
  await host.run('delete from xe_webhook_message where key <= 500')
  expect(await host.sender.purgeTenant(1)).toMatchObject({ endpoints: 1, deliveries: 700 })
  expect(Object.values(await rowCounts(host)).every((count) => count === 0)).toBe(true)
})
