import { testConsumer } from '@x/testkit'
import { expect, vi } from 'vitest'
import type { Delivery, SearchDeliveries } from '../../src/index.ts'
import { it, testDialect } from '../each-database.ts'
import { type OpenHost, openHost, site, startHost } from '../open-host.ts'

const raise = (host: OpenHost, entityName: 'File' | 'Page', id: number, data: object = {}) =>
  host.engine.syncManager.addSyncEvent(site, entityName, id, 'Update', { data: data as never })

/** All pages of a search, one after the other. */
async function searchAll(host: OpenHost, query: Partial<SearchDeliveries> = {}): Promise<Delivery[]> {
  const found: Delivery[] = []
  let before: string | undefined
  do {
    const page = await host.sender.deliveries.search({ tenantId: 1, ...query, before })
    found.push(...page.items)
    before = page.next
  } while (before !== undefined)
  return found
}

const numbers = (many: number) =>
  testDialect() === 'sqlite'
    ? `(with recursive s(n) as (values (1) union all select n + 1 from s where n < ${many}) select n from s)`
    : `(select n from generate_series(1::bigint, ${many}) n) s`

it('finds what fits all that is asked for', async () => {
  await using host = await startHost({ retrySchedule: [0] })
  await using good = await testConsumer()
  await using bad = await testConsumer()
  const { endpoints, deliveries, drain } = host.sender
  await endpoints.create({ tenantId: 1, url: `${good.url}/Invoices_1`, eventTypes: ['File.*'] })
  const failing = await endpoints.create({ tenantId: 1, url: `${bad.url}/a-b`, eventTypes: ['Page.*'] })
  await endpoints.create({ tenantId: 2, url: good.url })
  const file = await raise(host, 'File', 1)
  await drain()
  bad.answer(503)
  const page = await raise(host, 'Page', 2)
  await drain()
  bad.answer(400)
  const later = await raise(host, 'Page', 3)
  await drain()
  const [last] = await deliveries.list({ tenantId: 1, eventId: later.id })
  for (const status of [400, 204]) {
    bad.answer(status)
    await deliveries.resend(last?.id ?? '')
    await drain()
  }

  const seen = async (query: Partial<SearchDeliveries>) =>
    (await searchAll(host, query)).map(({ eventType, lastStatus }) => `${eventType} ${lastStatus}`)
  const all = ['Page.Update 204', 'Page.Update 503', 'File.Update 204']
  expect(await seen({})).toEqual(all)
  expect(await seen({ limit: 1 })).toEqual(all)
  expect(await seen({ tenantId: 3 })).toEqual([])
  expect(await seen({ eventType: 'page.*' })).toEqual(all.slice(0, 2))
  expect(await seen({ eventType: 'FILE.update' })).toEqual(all.slice(2))
  expect(await seen({ eventType: '*.Delete' })).toEqual([])
  expect(await seen({ eventId: file.id })).toEqual(all.slice(2))
  expect(await seen({ eventId: page.id, state: 'succeeded' })).toEqual([])
  expect(await seen({ state: ['exhausted', 'cancelled'] })).toEqual(all.slice(1, 2))
  expect(await seen({ state: ['exhausted', 'succeeded'] })).toEqual(all)
  expect(await seen({ status: 204 })).toEqual([all[0], all[2]])
  expect(await seen({ status: '2xx' })).toEqual([all[0], all[2]])
  expect(await seen({ status: '5xx' })).toEqual(all.slice(1, 2))
  expect(await seen({ errorCode: 'http_status' })).toEqual(all.slice(1, 2))
  expect(await seen({ errorCode: 'timeout' })).toEqual([])
  expect(await seen({ hasFailedAttempts: true })).toEqual(all.slice(0, 2))
  expect(await seen({ hasFailedAttempts: false })).toEqual(all.slice(2))
  expect(await seen({ url: 'INVOICES_' })).toEqual(all.slice(2))
  expect(await seen({ url: 'invoices%' })).toEqual([])
  expect(await seen({ endpointId: failing.endpoint.id, hasFailedAttempts: true, status: '2xx' })).toEqual(
    all.slice(0, 1),
  )
  expect(await seen({ createdBefore: last?.createdOn, createdAfter: new Date(0) })).toEqual(all.slice(1))
  expect(await deliveries.count({ tenantId: 1, eventType: 'Page.*' })).toEqual({ count: 2, isComplete: true })
  expect((await deliveries.list({ tenantId: 1, hasFailedAttempts: true })).map(({ id }) => id)).toEqual(
    (await searchAll(host, { hasFailedAttempts: true })).map(({ id }) => id),
  )
})

it('finds ids of any kind, and texts of bodies and URLs', async () => {
  await using host = await startHost()
  await using consumer = await testConsumer()
  const { endpoints, deliveries, drain } = host.sender
  const { endpoint } = await endpoints.create({ tenantId: 1, url: `${consumer.url}/orders` })
  const stored = await endpoints.create({ tenantId: 1, url: consumer.url, ordering: 'fifo' })
  const first = await raise(host, 'File', 1, { name: 'Größe "A"' })
  await raise(host, 'File', 2, { name: 'other' })
  await drain()
  const [delivery] = await deliveries.list({ tenantId: 1, eventId: first.id, endpointId: endpoint.id })
  const seen = async (search: string, query: Partial<SearchDeliveries> = {}) =>
    (await searchAll(host, { search, ...query })).map(({ endpointId, eventId }) => ({
      isStored: endpointId === stored.endpoint.id,
      isFirst: eventId === first.id,
    }))
  const both = [true, false].map((isStored) => ({ isStored, isFirst: true }))
  const sent = [false, true].map((isFirst) => ({ isStored: false, isFirst }))

  expect(await seen(delivery?.id ?? '')).toEqual([{ isStored: false, isFirst: true }])
  expect(await seen(` ${delivery?.id} `)).toHaveLength(1)
  expect(await seen(delivery?.id ?? '', { tenantId: 2 })).toEqual([])
  expect(await seen(delivery?.id ?? '', { state: 'pending' })).toEqual([])
  expect(await seen(first.id)).toHaveLength(2)
  expect(await seen(first.id)).toEqual(expect.arrayContaining(both))
  expect(await seen(first.id, { limit: 1 })).toHaveLength(2)
  expect(await seen(first.id, { tenantId: 2 })).toEqual([])
  expect(await seen(first.id.replace(/.$/, (last) => (last === '0' ? '1' : '0')))).toEqual([])
  expect(await seen(endpoint.id)).toEqual(sent)
  expect(await seen('größe "a"')).toEqual(expect.arrayContaining(both))
  expect(await seen('größe "a"')).toHaveLength(2)
  expect(await seen('/ORDERS')).toEqual(sent)
  expect(await seen('nowhere')).toEqual([])
  expect(await deliveries.search({ tenantId: 1, search: 'nowhere' })).toEqual({ items: [] })
})

it('keeps the order of many endpoints, whatever each of them has', async () => {
  await using host = await openHost()
  for (let one = 1; one <= 9; one++) {
    await host.sender.endpoints.create({ tenantId: 1, url: `https://example.com/${one}` })
  }
  await host.run(`insert into xe_webhook_message (event_id, tenant_id, site_id, event_type, created_on, body)
    select 'evt_' || n, 1, 1, case when n % 3 = 0 then 'Page.Create' else 'File.Download' end, n, '{}' from ${numbers(200)} order by n`)
  // The first endpoint has all, the second half of them, the last a handful of the oldest.
  await host.run(`insert into xe_webhook_delivery (message_key, endpoint_key, state, created_on)
    select n, e.key, case when n % 5 = 0 then 'cancelled' when n % 7 = 0 then 'exhausted' else 'succeeded' end, n
    from ${numbers(200)} cross join xe_webhook_endpoint e
    where n % e.key = 0 and (e.key < 9 or n < 50)`)
  const rows = await host.run<{ key: string; state: string; event_type: string }>(`select
      'dlv_' || d.endpoint_key || '_' || d.message_key as key, d.state, m.event_type
    from xe_webhook_delivery d join xe_webhook_message m on m.key = d.message_key
    order by d.message_key desc, d.endpoint_key desc`)
  const idsOf = (found: readonly Delivery[]) => found.map(({ id }) => id)
  for (const limit of [7, 250]) {
    expect(idsOf(await searchAll(host, { limit }))).toEqual(rows.map(({ key }) => key))
    expect(idsOf(await searchAll(host, { limit, state: ['exhausted', 'cancelled'] }))).toEqual(
      rows.filter(({ state }) => state !== 'succeeded').map(({ key }) => key),
    )
    expect(idsOf(await searchAll(host, { limit, eventType: 'page.*', state: 'succeeded' }))).toEqual(
      rows
        .filter(({ state, event_type: type }) => state === 'succeeded' && type === 'Page.Create')
        .map(({ key }) => key),
    )
  }
  expect(await host.sender.deliveries.count({ tenantId: 1 })).toEqual({
    count: rows.length,
    isComplete: true,
  })
})

it('finds what is rare among the deliveries of others, and counts it', async () => {
  await using host = await openHost()
  for (const tenantId of [1, 2, 1]) {
    await host.sender.endpoints.create({ tenantId, url: 'https://example.com' })
  }
  await host.run(`insert into xe_webhook_message (event_id, tenant_id, site_id, event_type, created_on, body)
    select 'evt_' || n, 1, 1, case when n % 200 = 0 then 'Page_1.Create' else 'Page-1.Create' end, n, '{}' from ${numbers(6_000)} order by n`)
  // The second endpoint, of another tenant, has all; the first and the third every 100th. The newest is the other tenant's.
  await host.run(`insert into xe_webhook_delivery (message_key, endpoint_key, state, attempt_count, last_status, last_error_code, created_on)
    select n, e.key, case when n % 400 = 0 then 'exhausted' else 'succeeded' end, 1,
      case when n % 400 = 0 then 502 else 200 end, case when n % 400 = 0 then 'http_status' end, n
    from ${numbers(6_000)} cross join xe_webhook_endpoint e where e.key = 2 or (n % 100 = 0 and n < 6000)`)
  const idsOf = (found: readonly Delivery[]) => found.map(({ id }) => id)
  const every = (step: number) =>
    Array.from({ length: Math.ceil(6_000 / step) - 1 }, (_, index) => 6_000 - (index + 1) * step)
      .filter((message) => message < 6_000)
      .flatMap((message) => [`dlv_3_${message}`, `dlv_1_${message}`])
  for (const limit of [3, 50]) {
    expect(idsOf(await searchAll(host, { limit }))).toEqual(every(100))
    expect(idsOf(await searchAll(host, { limit, eventType: 'page_1.*' }))).toEqual(every(200))
    expect(idsOf(await searchAll(host, { limit, status: '2xx', eventType: 'Page_1.Create' }))).toEqual(
      every(200).filter((id) => !every(400).includes(id)),
    )
    expect(idsOf(await searchAll(host, { limit, state: ['succeeded', 'exhausted'], status: 502 }))).toEqual(
      every(400),
    )
  }
  const { deliveries } = host.sender
  const counted = async (query: object) => deliveries.count({ tenantId: 1, ...query })
  const total = every(200).length
  expect(await counted({ eventType: 'Page_1.*' })).toEqual({ count: total, isComplete: true })
  expect(await counted({ eventType: '*' })).toEqual({ count: every(100).length, isComplete: true })
  expect(await counted({ status: '5xx' })).toEqual({ count: every(400).length, isComplete: true })
  expect(await counted({ status: 200, eventType: '*.create' })).toEqual({
    count: every(100).length - every(400).length,
    isComplete: true,
  })
  expect(await counted({ hasFailedAttempts: false, createdAfter: new Date(5_900) })).toEqual({
    count: 2,
    isComplete: true,
  })
  // Among the newest 2,500 are 48 of the first tenant's, and 7 of the other's have failed.
  const ofOther = await deliveries.count({ tenantId: 2, hasFailedAttempts: false })
  expect(ofOther).toEqual({ count: 2_500 - 48 - 7, isComplete: false })
})

it('looks at so many only, says how far, and goes on from there', async () => {
  await using host = await openHost()
  await host.sender.endpoints.create({ tenantId: 1, url: 'https://example.com' })
  await host.run(`insert into xe_webhook_message (event_id, tenant_id, site_id, event_type, created_on, body)
    select 'evt_' || n, 1, 1, case when n = 100 then 'Page.Create' else 'File.Download' end, n, '{}' from ${numbers(25_000)} order by n`)
  await host.run(`insert into xe_webhook_delivery (message_key, endpoint_key, state, created_on)
    select n, 1, 'succeeded', n from ${numbers(25_000)}`)
  const { deliveries } = host.sender
  const query = { tenantId: 1, eventType: 'Page.*' }
  const first = await deliveries.search(query)
  expect(first).toMatchObject({ items: [], next: expect.any(String) })
  const depth = 25_000 - (first.searchedBackTo?.getTime() ?? 0)
  expect(depth).toBeGreaterThan(2_000)
  expect(depth).toBeLessThan(5_000)
  const second = await deliveries.search({ ...query, before: first.next })
  expect(second.searchedBackTo?.getTime()).toBeLessThan(first.searchedBackTo?.getTime() ?? 0)
  expect(await searchAll(host, query)).toMatchObject([{ eventType: 'Page.Create' }])
  expect(await deliveries.list(query)).toMatchObject([{ eventType: 'Page.Create' }])
  const text = await deliveries.search({ tenantId: 1, search: 'nowhere' })
  expect(25_000 - (text.searchedBackTo?.getTime() ?? 0)).toBeLessThan(800)
  expect(await deliveries.count({ tenantId: 1 })).toEqual({ count: 10_000, isComplete: false })
  const timed = { createdAfter: new Date(100), createdBefore: new Date(110) }
  expect(await deliveries.count({ tenantId: 1, ...timed })).toEqual({ count: 10, isComplete: true })
  const types = await deliveries.count({ tenantId: 1, eventType: 'file.*' })
  expect(types.count).toBeGreaterThan(2_000)
  expect(types.isComplete).toBe(false)
})

it('refuses what means nothing', async () => {
  await using host = await openHost()
  const { deliveries } = host.sender
  const wrong = [
    { status: 99 },
    { status: '6xx' },
    { errorCode: 'http' },
    { eventType: 'File' },
    { state: ['done'] },
    { state: [] },
    { hasFailedAttempts: 'yes' },
    { url: '' },
    { url: 'a\0' },
    { search: 'x'.repeat(201) },
    { eventId: 1 },
  ]
  for (const query of wrong) {
    const [field] = Object.keys(query)
    const refused = deliveries.search({ tenantId: 1, ...query } as never)
    await expect(refused).rejects.toMatchObject({ code: 'invalid_argument', field })
  }
})

it('reads few large bodies at a time, and lets others have their turn between them', async () => {
  let isSearching = false
  let reads = 0
  await using host = await openHost({
    observer: {
      before: (statement) => {
        if (isSearching && /^select key, body/.test(statement)) reads += 1
      },
    },
  })
  await host.sender.endpoints.create({ tenantId: 1, url: 'https://example.com' })
  const body = JSON.stringify({ text: 'X'.repeat(200_000) })
  await host.run(`insert into xe_webhook_message (event_id, tenant_id, site_id, event_type, created_on, body)
    select 'evt_' || n, 1, 1, 'File.Update', n, '${body}' from ${numbers(60)} order by n`)
  await host.run(`insert into xe_webhook_delivery (message_key, endpoint_key, state, created_on)
    select n, e.key, 'succeeded', n from ${numbers(60)} cross join xe_webhook_endpoint e`)
  let turns = 0
  const count = () => {
    turns += 1
    next = setImmediate(count)
  }
  let next = setImmediate(count)
  isSearching = true
  // However quick the machine is, a turn is long at each look at the time.
  const { now } = performance
  let aheadMs = 0
  vi.spyOn(performance, 'now').mockImplementation(() => {
    aheadMs += 11
    return now.call(performance) + aheadMs
  })
  const page = await host.sender.deliveries
    .search({ tenantId: 1, search: 'nowhere' })
    .finally(() => clearImmediate(next))
  // After four million characters, which are 20 bodies.
  expect(page).toMatchObject({ items: [], searchedBackTo: new Date(41), next: expect.stringMatching(/_41$/) })
  expect(reads).toBe(2)
  expect(turns).toBeGreaterThan(0)
})
