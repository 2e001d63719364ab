import { systemClock } from '@x/events-core'
import { testConsumer, waitFor } from '@x/testkit'
import { expect, onTestFinished, it as vitestIt } from 'vitest'
import type { JobRow, NewJob } from '../../src/bulk/job.ts'
import { createJobRunner, type JobRunnerParts } from '../../src/bulk/runner.ts'
import { asSharedClock } from '../../src/clock.ts'
import type { JobStore } from '../../src/store/jobs.ts'
import { it, testDialect } from '../each-database.ts'
import { type OpenHost, openHost, recordingLogger, site, startHost } from '../open-host.ts'

const idOf = ({ headers }: { headers: Record<string, unknown> }) => String(headers['webhook-id'])

const raiseMany = (host: OpenHost, count: number, entityName: 'File' | 'Page' = 'File', tenantId = 1) =>
  host.engine.transaction(async ({ raise }) => {
    const ids: string[] = []
    for (let id = 1; id <= count; id++) {
      ids.push((await raise({ ...site, tenantId }, entityName, id, 'Update')).id)
    }
    return ids
  })

const numbers = (many: number) =>
  testDialect() === 'sqlite'
    ? `(with recursive s(n) as (values (1) union all select n + 1 from s where n < ${many}) select n from s)`
    : `(select n from generate_series(1::bigint, ${many}) n) s`

const ended = (host: OpenHost, id: string) =>
  waitFor(async () => {
    const job = await host.sender.jobs.get(id)
    return job.state !== 'running' && job
  }, 'the job to end')

it('cancels what is pending, of some types or before some time', async () => {
  await using host = await startHost({ retrySchedule: [3_600] })
  await using consumer = await testConsumer()
  const { endpoints, deliveries } = host.sender
  const { endpoint } = await endpoints.create({ tenantId: 1, url: consumer.url, ordering: { by: 'entity' } })
  const { endpoint: other } = await endpoints.create({ tenantId: 1, url: consumer.url })
  await raiseMany(host, 3)
  await raiseMany(host, 4, 'Page')
  await waitFor(async () => (await deliveries.list({ tenantId: 1 })).length === 14, 'the deliveries')
  const none = await deliveries.cancelPending(endpoint.id, { until: new Date(Date.now() - 3_600_000) })
  expect(none).toMatchObject({ kind: 'cancel', state: 'succeeded', affected: 0 })
  const files = await deliveries.cancelPending(endpoint.id, { eventTypes: ['File.*'] })
  expect(files).toMatchObject({
    state: 'succeeded',
    affected: 3,
    options: { eventTypes: ['File.*'], until: expect.any(Date) },
  })
  const rest = await deliveries.cancelPending(endpoint.id)
  expect(rest).toMatchObject({ state: 'succeeded', affected: 4, endpointId: endpoint.id, tenantId: 1 })
  expect(await deliveries.list({ tenantId: 1, state: 'cancelled' })).toHaveLength(7)
  expect(await deliveries.list({ tenantId: 1, state: 'pending', endpointId: other.id })).toHaveLength(7)
  expect((await host.sender.jobs.list({ tenantId: 1 })).map(({ id }) => id)).toEqual([
    rest.id,
    files.id,
    none.id,
  ])
  const [page] = await host.sender.jobs.list({ tenantId: 1, limit: 1, before: files.id })
  expect(page).toEqual(none)
  expect(await host.sender.jobs.list({ tenantId: 1, endpointId: other.id })).toEqual([])
  expect(await host.sender.jobs.list({ tenantId: 2 })).toEqual([])
  for (const of of [host.sender.jobs.get, host.sender.jobs.cancel]) {
    await expect(of(rest.id, { tenantId: 2 })).rejects.toMatchObject({ code: 'job_not_found' })
    await expect(of('job_x')).rejects.toMatchObject({ code: 'job_not_found' })
  }
  expect(await host.sender.jobs.cancel(rest.id), 'ended already').toEqual(rest)
})

vitestIt('leaves a job that is just being stored to whoever stores it', async () => {
  const taken: boolean[] = []
  const cursor = { message: 0, lastMessage: 0 }
  const job = { id: 'job_1', cursor, options: {}, affected: 0 } as NewJob & JobRow
  const jobs: Pick<JobStore, 'createJob' | 'takeJob' | 'stepJob'> = {
    async createJob() {
      // Others see it from here on, and this one's runner looks for jobs just now.
      runner.start()
      return job
    },
    async takeJob(isMine) {
      taken.push(!isMine(job.id))
      return undefined
    },
    stepJob: async (row) => ({ ...row, state: 'succeeded' }),
  }
  const clock = asSharedClock(systemClock)
  const runner = createJobRunner({ jobs, clock, logger: recordingLogger() } as unknown as JobRunnerParts)
  onTestFinished(() => runner.stop())
  expect(await runner.begin(job, null)).toMatchObject({ state: 'succeeded' })
  expect(taken[0]).toBe(false)
})

it('recovers in steps, each delivery once although it fails again, on a node that is there', async () => {
  await using host = await openHost({ retrySchedule: [0], leaseMs: 200 })
  await using consumer = await testConsumer()
  consumer.answer(400)
  const { endpoints, deliveries } = host.sender
  const { endpoint } = await endpoints.create({ tenantId: 1, url: consumer.url })
  await host.start()
  await raiseMany(host, 510)
  await host.sender.drain()
  await host.sender.stop()
  // Whoever asks delivers nothing itself: it makes the first step.
  const job = await deliveries.recover(endpoint.id, { since: new Date(0) })
  expect(job).toMatchObject({ state: 'running', done: 500, total: 510, affected: 500 })
  // As if that process had taken it once more, and was not heard of since.
  await host.run(`update xe_webhook_job set leased_by = 'gone', leased_until = ${Date.now() + 300}`)
  await host.sender.start()
  expect(await ended(host, job.id)).toMatchObject({
    state: 'succeeded',
    done: 510,
    total: 510,
    affected: 510,
  })
  await host.sender.drain()
  expect(consumer.requests).toHaveLength(1_020)
  expect(new Set(consumer.requests.map(idOf)).size).toBe(510)
})

it('stops when a person says so, and when the endpoint is deleted', async () => {
  await using host = await openHost({ retrySchedule: [3_600] })
  const { endpoints, deliveries, jobs } = host.sender
  const { endpoint } = await endpoints.create({ tenantId: 1, url: 'https://example.com' })
  await host.start()
  await raiseMany(host, 1_200)
  await waitFor(async () => (await host.sender.stats()).deliveries.pending === 1_200, 'the deliveries')
  await host.sender.stop()
  const stopped = await deliveries.cancelPending(endpoint.id)
  expect(stopped).toMatchObject({ state: 'running', affected: 500 })
  expect(await jobs.cancel(stopped.id)).toMatchObject({ state: 'cancelled', finishedOn: expect.any(Date) })
  const orphan = await deliveries.cancelPending(endpoint.id)
  expect(orphan).toMatchObject({ state: 'running', affected: 500 })
  await endpoints.delete(endpoint.id)
  await host.sender.start()
  expect(await ended(host, orphan.id)).toMatchObject({
    state: 'failed',
    affected: 500,
    errorMessage: `The endpoint ${endpoint.id} was deleted meanwhile.`,
  })
  expect(await jobs.get(stopped.id)).toMatchObject({ state: 'cancelled', affected: 500 })
})

it('takes the jobs, and the tenants that they are of, in turn', async () => {
  await using host = await openHost()
  const { endpoints, deliveries } = host.sender
  const counts = [9_000, 1_200, 1_200]
  const ids: string[] = []
  await host.run(`insert into xe_webhook_message (event_id, tenant_id, site_id, event_type, created_on, body)
    select 'evt_' || n, 1, 1, 'File.Update', n, '{}' from ${numbers(9_000)} order by n`)
  for (const [index, count] of counts.entries()) {
    const { endpoint } = await endpoints.create({
      tenantId: index < 2 ? 1 : 2,
      url: `https://example.com/${index}`,
    })
    await host.run(`insert into xe_webhook_delivery (message_key, endpoint_key, state, due_on, created_on)
      select n, e.key, 'pending', 1, n from ${numbers(count)} cross join xe_webhook_endpoint e
      where e.id = '${endpoint.id}'`)
    ids.push(endpoint.id)
  }
  const begun = []
  for (const id of ids) begun.push(await deliveries.cancelPending(id))
  expect(begun).toMatchObject(ids.map(() => ({ state: 'running', affected: 500 })))
  await host.sender.start()
  const jobs = []
  for (const { id } of begun) jobs.push(await ended(host, id))
  expect(jobs).toMatchObject(counts.map((count) => ({ state: 'succeeded', affected: count, done: count })))
  const [long, other, foreign] = jobs.map(({ finishedOn }) => finishedOn?.getTime() ?? 0)
  expect(other, 'of the same tenant').toBeLessThan(long ?? 0)
  expect(foreign, 'of another tenant, begun last').toBeLessThan(other ?? 0)
})

it('refuses what makes no sense', async () => {
  await using host = await openHost()
  const { endpoints, deliveries } = host.sender
  const { endpoint } = await endpoints.create({ tenantId: 1, url: 'https://example.com' })
  const since = new Date(0)
  const field = (name: string) => ({ code: 'invalid_argument', field: name })
  await expect(deliveries.recover(endpoint.id, {} as never)).rejects.toMatchObject(field('since'))
  await expect(deliveries.cancelPending(endpoint.id, { until: 5 as never })).rejects.toMatchObject(
    field('until'),
  )
  for (const eventTypes of [[], ['a b'], 'File.*', [1]] as never[]) {
    await expect(deliveries.recover(endpoint.id, { since, eventTypes })).rejects.toMatchObject(
      field('eventTypes'),
    )
  }
  await expect(deliveries.replay(endpoint.id, { since, include: 'some' as never })).rejects.toMatchObject(
    field('include'),
  )
  const other = { tenantId: 2 }
  const missing = { code: 'endpoint_not_found' }
  await expect(deliveries.cancelPending(endpoint.id, other)).rejects.toMatchObject(missing)
  await expect(deliveries.recover(endpoint.id, { since, ...other })).rejects.toMatchObject(missing)
  await expect(deliveries.replay(endpoint.id, { since, ...other })).rejects.toMatchObject(missing)
  await endpoints.disable(endpoint.id)
  await expect(deliveries.replay(endpoint.id, { since })).rejects.toMatchObject({ code: 'endpoint_disabled' })
  expect(await host.sender.jobs.list({ tenantId: 1 })).toEqual([])
})
