import { testConsumer, waitFor } from '@x/testkit'
import { expect } from 'vitest'
import type { WebhookJob } from '../../src/index.ts'
import { it, testDialect } from '../each-database.ts'
import { type OpenHost, openHost, site, startHost } from '../open-host.ts'

const raise = (host: OpenHost, entityName: 'File' | 'Page', id: number) =>
  host.engine.syncManager.addSyncEvent(site, entityName, id, 'Update')

const ended = (host: OpenHost, { id }: WebhookJob) =>
  waitFor(async () => {
    const job = await host.sender.jobs.get(id)
    return job.state !== 'running' && job
  }, 'the job to end')

it('sends again what a filter lets through, of all endpoints that can get something', async () => {
  await using host = await startHost({ retrySchedule: [0] })
  await using one = await testConsumer()
  await using other = await testConsumer()
  const { endpoints, deliveries, drain, jobs } = host.sender
  const first = await endpoints.create({ tenantId: 1, url: `${one.url}/a` })
  const second = await endpoints.create({ tenantId: 1, url: `${other.url}/b` })
  const disabled = await endpoints.create({ tenantId: 1, url: one.url, eventTypes: ['File.*'] })
  const gone = await endpoints.create({ tenantId: 1, url: one.url, eventTypes: ['File.*'] })
  await endpoints.create({ tenantId: 2, url: one.url })
  one.answer(500)
  other.answer(500)
  const file = await raise(host, 'File', 1)
  await drain()
  await endpoints.disable(disabled.endpoint.id)
  await endpoints.delete(gone.endpoint.id)
  one.answer(204)
  other.answer(204)
  const had = one.requests.length
  const wanted = { tenantId: 1, state: 'exhausted', status: '5xx', eventType: 'file.*' } as const

  const foreign = await deliveries.resendMany({ ...wanted, tenantId: 2 })
  expect(foreign).toMatchObject({ state: 'succeeded', affected: 0, total: 0 })
  const none = await ended(host, await deliveries.resendMany({ ...wanted, eventType: '*.Delete' }))
  expect(none).toMatchObject({ affected: 0, total: 4, done: 4 })
  const future = { ...wanted, createdAfter: new Date(Date.now() + 60_000) }
  expect(await ended(host, await deliveries.resendMany(future))).toMatchObject({ affected: 0 })

  expect(await deliveries.count(wanted)).toMatchObject({ count: 4 })
  const job = await ended(host, await deliveries.resendMany({ ...wanted, eventId: file.id }))
  expect(job).toMatchObject({
    kind: 'resend',
    state: 'succeeded',
    affected: 2,
    options: {
      filter: { state: ['exhausted'], status: '5xx', eventId: file.id, createdBefore: expect.any(Date) },
    },
  })
  expect(job).not.toHaveProperty('endpointId')
  await drain()
  expect(one.requests.length).toBe(had + 1)
  expect(await deliveries.list({ tenantId: 1, state: 'succeeded' })).toHaveLength(2)

  // What has succeeded is stored first.
  await raise(host, 'Page', 2)
  await drain()
  const again = await deliveries.resendMany({ tenantId: 1, endpointId: first.endpoint.id, url: '/A' })
  expect(await ended(host, again)).toMatchObject({ endpointId: first.endpoint.id, affected: 2 })
  await drain()
  expect(await deliveries.list({ tenantId: 1, endpointId: first.endpoint.id })).toMatchObject([
    { state: 'succeeded', attemptCount: 2 },
    { state: 'succeeded', attemptCount: 3 },
  ])
  expect((await jobs.list({ tenantId: 1 }))[0]).toMatchObject({ id: again.id })
  expect(await jobs.list({ tenantId: 1, endpointId: second.endpoint.id })).toEqual([])
  const unknown = { tenantId: 2, endpointId: first.endpoint.id }
  await expect(deliveries.resendMany(unknown)).rejects.toMatchObject({ code: 'endpoint_not_found' })
})

it('cancels what is pending of many endpoints', async () => {
  await using host = await startHost({ retrySchedule: [0, 3_600] })
  await using consumer = await testConsumer()
  const { endpoints, deliveries, drain } = host.sender
  for (let count = 0; count < 3; count++) await endpoints.create({ tenantId: 1, url: consumer.url })
  consumer.answer(500)
  await raise(host, 'File', 1)
  await raise(host, 'Page', 2)
  await waitFor(async () => (await deliveries.count({ tenantId: 1, state: 'pending' })).count === 6, 'all')
  await drain()
  const job = await deliveries.cancelMany({ tenantId: 1, eventType: 'Page.*' })
  expect(await ended(host, job)).toMatchObject({ kind: 'cancel', affected: 3, state: 'succeeded' })
  expect(await deliveries.list({ tenantId: 1, state: 'cancelled', eventType: 'Page.*' })).toHaveLength(3)
  expect(await deliveries.list({ tenantId: 1, state: 'pending' })).toHaveLength(3)
})

it('takes more than one step for more than 500, and goes on where it was', async () => {
  await using host = await openHost()
  for (let count = 0; count < 2; count++) {
    await host.sender.endpoints.create({ tenantId: 1, url: 'https://example.com' })
  }
  const numbers =
    testDialect() === 'sqlite'
      ? '(with recursive s(n) as (values (1) union all select n + 1 from s where n < 1200) select n from s)'
      : '(select n from generate_series(1::bigint, 1200) n) s'
  await host.run(`insert into xe_webhook_message (event_id, tenant_id, site_id, event_type, created_on, body)
    select 'evt_' || n, 1, 1, 'File.Update', n, '{}' from ${numbers} order by n`)
  await host.run(`insert into xe_webhook_delivery (message_key, endpoint_key, state, due_on, created_on)
    select n, e.key, case when n % 2 = 0 then 'pending' else 'cancelled' end, 1, n
    from ${numbers} cross join xe_webhook_endpoint e`)
  await host.start()
  const job = await host.sender.deliveries.cancelMany({ tenantId: 1, createdAfter: new Date(200) })
  expect(await ended(host, job)).toMatchObject({ affected: 2 * 501, done: job.total })
  expect(await host.sender.deliveries.count({ tenantId: 1, state: 'pending' })).toMatchObject({
    count: 2 * 99,
  })
})

it('changes nothing for an id of an event that can be none', async () => {
  await using host = await startHost()
  const { endpoints, deliveries, jobs } = host.sender
  await endpoints.create({ tenantId: 1, url: 'https://example.com' })
  for (const eventId of ['a\0', 'evt_1', '']) {
    const job = await ended(host, await deliveries.cancelMany({ tenantId: 1, eventId }))
    expect(job).toMatchObject({ state: 'succeeded', done: 0, total: 0, affected: 0 })
  }
  expect(await jobs.list({ tenantId: 1 })).toHaveLength(3)
})

const changes = [
  ['of a filter', (host: OpenHost) => host.sender.deliveries.resendMany({ tenantId: 1 })],
  [
    'of an endpoint',
    (host: OpenHost, id: string) => host.sender.deliveries.replay(id, { since: new Date(0), include: 'all' }),
  ],
] as const

// A transaction is long for all that share a connection, and a turn for all of the host.
it.each(changes)(
  'stores large messages %s in steps of some megabytes, others having their turn',
  async (_, begin) => {
    const inserted: string[] = []
    await using host = await openHost({
      observer: {
        before: (statement) =>
          void (/insert into .*xe_webhook_message/.test(statement) && inserted.push(statement)),
      },
    })
    await using consumer = await testConsumer()
    const { endpoints, drain } = host.sender
    const { endpoint } = await endpoints.create({ tenantId: 1, url: consumer.url })
    await host.start()
    const text = 'x'.repeat(200_000)
    for (let id = 1; id <= 40; id++) {
      await host.engine.syncManager.addSyncEvent(site, 'File', id, 'Update', { data: { text } as never })
      // One at a time, each is sent straight, and its message is not stored.
      await drain()
    }
    await host.sender.stop()
    const stored = async () => (await host.run('select key from xe_webhook_message')).length
    // On a busy machine one may have been late.
    const late = await stored()
    expect(late).toBeLessThan(5)
    inserted.length = 0

    let turns = 0
    const count = () => {
      turns += 1
      next = setImmediate(count)
    }
    let next = setImmediate(count)
    const job = await begin(host, endpoint.id).finally(() => clearImmediate(next))
    const { affected } = job
    expect(job).toMatchObject({ state: 'running', done: affected })
    expect(affected).toBeGreaterThan(0)
    expect(affected).toBeLessThanOrEqual(25 + late)
    expect(await stored()).toBeGreaterThanOrEqual(affected)
    expect(await stored()).toBeLessThanOrEqual(affected + late)
    expect(inserted.length).toBeGreaterThan(2)
    expect(turns).toBeGreaterThan(0)
    await using another = await host.openAnother({ deliver: false, fanOut: false })
    await another.sender.start()
    expect(await ended(host, job)).toMatchObject({ state: 'succeeded', affected: 40, done: job.total })
    expect(await stored()).toBe(40)
    expect(await host.sender.deliveries.count({ tenantId: 1, state: 'pending' })).toMatchObject({ count: 40 })
  },
)
