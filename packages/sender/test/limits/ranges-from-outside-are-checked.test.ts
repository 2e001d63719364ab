import { expect } from 'vitest'
import type { WebhookSender } from '../../src/index.ts'
import { it } from '../each-database.ts'
import { openHost, startHost } from '../open-host.ts'

const DAY_MS = 24 * 60 * 60 * 1_000
const url = 'https://example.com/hook'

const IMPOSSIBLE: readonly [string, unknown][] = [
  ['no date', new Date(Number.NaN)],
  ['the last of JavaScript', new Date(8.64e15)],
  ['the first of JavaScript', new Date(-8.64e15)],
  ['the year 0', new Date('0000-12-31T23:59:59.999Z')],
  ['the year 10000', new Date('+010000-01-01T00:00:00.000Z')],
  ['a text', '2026-01-01'],
  ['a number', 0],
  ['an empty text', ''],
  ['null', null],
]

/** Everything of the sender that takes a date, by what the date is called there. */
function callsWithDates({ deliveries, endpoints, statistics }: WebhookSender, endpointId: string) {
  const since = new Date(0)
  type Call = (value: unknown) => Promise<unknown>
  const calls: Record<string, readonly [field: string, call: Call]> = {
    'deliveries.list createdAfter': [
      'createdAfter',
      (value) => deliveries.list({ tenantId: 1, createdAfter: value as Date }),
    ],
    'deliveries.list createdBefore': [
      'createdBefore',
      (value) => deliveries.list({ tenantId: 1, createdBefore: value as Date }),
    ],
    'recover since': ['since', (value) => deliveries.recover(endpointId, { since: value as Date })],
    'recover until': ['until', (value) => deliveries.recover(endpointId, { since, until: value as Date })],
    'replay since': ['since', (value) => deliveries.replay(endpointId, { since: value as Date })],
    'replay until': ['until', (value) => deliveries.replay(endpointId, { since, until: value as Date })],
    'cancelPending until': [
      'until',
      (value) => deliveries.cancelPending(endpointId, { until: value as Date }),
    ],
    'statistics since': ['since', (value) => statistics({ tenantId: 1, since: value as Date })],
    'statistics until': ['until', (value) => statistics({ tenantId: 1, since, until: value as Date })],
    'endpoints.statistics since': [
      'since',
      (value) => endpoints.statistics(endpointId, { since: value as Date }),
    ],
    'endpoints.statistics until': [
      'until',
      (value) => endpoints.statistics(endpointId, { since, until: value as Date }),
    ],
  }
  return calls
}

it('refuses dates that cannot be stored, wherever it takes one', async () => {
  await using host = await openHost()
  const { endpoint } = await host.sender.endpoints.create({ tenantId: 1, url })
  for (const [name, [field, call]] of Object.entries(callsWithDates(host.sender, endpoint.id))) {
    for (const [what, value] of IMPOSSIBLE) {
      // Statistics take null for now, as they take nothing.
      if (value === null && name.endsWith('statistics until')) continue
      await expect(call(value), `${name}: ${what}`).rejects.toMatchObject({ code: 'invalid_argument', field })
    }
  }
  expect(await host.sender.jobs.list({ tenantId: 1 })).toEqual([])
})

it('takes the first and the last date that there is, in the past and in the future', async () => {
  await using host = await startHost()
  const { endpoint } = await host.sender.endpoints.create({ tenantId: 1, url })
  const { deliveries, statistics } = host.sender
  const since = new Date('0001-01-01T00:00:00.000Z')
  const until = new Date('9999-12-31T23:59:59.999Z')
  expect(await deliveries.list({ tenantId: 1, createdAfter: since, createdBefore: until })).toEqual([])
  expect(await deliveries.recover(endpoint.id, { since, until })).toMatchObject({ total: 0 })
  expect(await deliveries.replay(endpoint.id, { since, until })).toMatchObject({ affected: 0 })
  expect(await deliveries.cancelPending(endpoint.id, { until })).toMatchObject({ affected: 0 })
  expect((await statistics({ tenantId: 1, since, until })).total).toMatchObject({ attempts: 0 })
})

it('refuses a range that ends before it begins', async () => {
  await using host = await openHost()
  const { endpoint } = await host.sender.endpoints.create({ tenantId: 1, url })
  const { deliveries, statistics } = host.sender
  const range = { since: new Date(DAY_MS), until: new Date(0) }
  const created = { createdAfter: range.since, createdBefore: range.until }
  const refused = { code: 'invalid_argument', field: 'since' }
  await expect(deliveries.recover(endpoint.id, range)).rejects.toMatchObject(refused)
  await expect(deliveries.replay(endpoint.id, range)).rejects.toMatchObject(refused)
  await expect(statistics({ tenantId: 1, ...range })).rejects.toMatchObject(refused)
  await expect(statistics({ tenantId: 1, since: new Date(Date.now() + DAY_MS) })).rejects.toMatchObject(
    refused,
  )
  // A filter that nothing passes is none that is wrong.
  expect(await deliveries.list({ tenantId: 1, ...created })).toEqual([])
})

it('makes at most 120 buckets of its own, and 2000 that are asked for', async () => {
  await using host = await openHost()
  const read = (since: string, until: string, bucketSeconds?: number) =>
    host.sender.statistics({ tenantId: 1, since: new Date(since), until: new Date(until), bucketSeconds })
  const now = '2026-11-26T12:34:56.789Z'
  const far = [
    '0001-01-01',
    '1582-10-15',
    '1969-12-31',
    '1970-01-01',
    '2000-01-01',
    '2024-08-09T00:00:00.001Z',
    '2026-07-29T12:34:56.789Z',
    '2026-11-25T12:34:56.789Z',
    '2026-11-26T10:34:56.789Z',
    now,
  ]
  for (const since of far) {
    for (const until of [now, '2026-11-27', '9999-12-31T23:59:59.999Z']) {
      const { buckets, bucketSeconds } = await read(since, until)
      expect(buckets.length, `${since} to ${until}`).toBeLessThanOrEqual(120)
      expect(buckets.length).toBeGreaterThanOrEqual(1)
      // What was given out can be asked for again, and is the same.
      expect((await read(since, until, bucketSeconds)).buckets).toEqual(buckets)
      // The buckets cover what was asked for.
      expect(Number(buckets[0]?.from)).toBeLessThanOrEqual(Number(new Date(since)))
      const end = Number(buckets.at(-1)?.from) + bucketSeconds * 1_000
      expect(end).toBeGreaterThanOrEqual(Number(new Date(until)))
    }
  }
  expect((await read('2026-11-25', '2026-11-26T09:20:00Z', 60)).buckets).toHaveLength(2_000)
  const refused = { code: 'invalid_argument', field: 'bucketSeconds' }
  await expect(read('2026-11-25', '2026-11-26T09:20:01Z', 60)).rejects.toMatchObject(refused)
  for (const seconds of [
    -60,
    -0,
    0,
    59,
    61,
    60.5,
    Number.NaN,
    Number.POSITIVE_INFINITY,
    2 ** 53,
    1e300,
    '60',
  ])
    await expect(read(now, now, seconds as number)).rejects.toMatchObject(refused)
})

it('refuses what is no page size, no id and no type', async () => {
  await using host = await openHost()
  const { deliveries, endpoints, jobs, sendTest } = host.sender
  const lists = { deliveries: deliveries.list, endpoints: endpoints.list, jobs: jobs.list }
  for (const [name, list] of Object.entries(lists)) {
    for (const limit of [
      0,
      -0,
      -1,
      1.5,
      251,
      1e9,
      Number.NaN,
      Number.POSITIVE_INFINITY,
      2 ** 53,
      '10',
      null,
    ]) {
      const page = list({ tenantId: 1, limit: limit as number })
      await expect(page, `${name} ${limit}`).rejects.toMatchObject({
        code: 'invalid_argument',
        field: 'limit',
      })
    }
  }
  const odd = ['', '\0', 'ep_', `ep_${'0'.repeat(36)}`, 'x'.repeat(1_000_000), 5, {}, null, ['ep_1']]
  for (const id of odd as string[]) {
    const asked = { tenantId: 1, endpointId: id }
    for (const list of [deliveries.list, jobs.list]) {
      // Of an endpoint that there is not, there is nothing to list.
      if (typeof id === 'string') expect(await list(asked)).toEqual([])
      else await expect(list(asked)).rejects.toMatchObject({ code: 'invalid_argument', field: 'endpointId' })
    }
    await expect(endpoints.get(id)).rejects.toMatchObject({ code: 'endpoint_not_found' })
    await expect(sendTest(id)).rejects.toMatchObject({ code: 'endpoint_not_found' })
    await expect(deliveries.recover(id, { since: new Date() })).rejects.toMatchObject({
      code: 'endpoint_not_found',
    })
    await expect(jobs.get(id)).rejects.toMatchObject({ code: 'job_not_found' })
    await expect(deliveries.get(id)).rejects.toMatchObject({ code: 'delivery_not_found' })
    await expect(deliveries.list({ tenantId: 1, eventType: id })).rejects.toMatchObject({
      code: 'invalid_argument',
      field: 'eventType',
    })
  }
  for (const list of [deliveries.list, endpoints.list, jobs.list] as (() => Promise<unknown>)[])
    await expect(list()).rejects.toMatchObject({ code: 'invalid_endpoint', field: 'tenantId' })
})
