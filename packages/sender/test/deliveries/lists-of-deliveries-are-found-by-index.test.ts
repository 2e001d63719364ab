import { systemClock } from '@x/events-core'
import { type SqlExecutor, sqlDialectOf } from '@x/events-engine/internal'
import { type CompiledQuery, type Kysely, CompiledQuery as Query } from 'kysely'
import { expect } from 'vitest'
import { asSharedClock } from '../../src/clock.ts'
import type { SearchDeliveries } from '../../src/deliveries/delivery.ts'
import { createDeliverySearch } from '../../src/deliveries/search-deliveries.ts'
import { openStore } from '../../src/store/store.ts'
import { tableNames } from '../../src/table-names.ts'
import { it, testDialect } from '../each-database.ts'
import { type OpenHost, openHost } from '../open-host.ts'

const START = Date.UTC(2026, 0, 1)
const EACH_MS = 10_000
const MANY = 50_000
const EVENT_ID = 'evt_01890a5d-ac96-774b-bcce-b302099a8057'
// Of one row, of what a statement has made itself, and of a subquery that is shown where it is read.
const SMALL_SCAN = /SCAN (CONSTANT ROW|w|s|step|counted|newest|json_each|\(subquery-\d+\))(?!\w)/g

/**
 * Two endpoints with so many deliveries each, one message every ten seconds. Of the first, every 1000th
 * is exhausted, every 1000th cancelled, every 5000th pending after a failed attempt; every 100th message is a `Page.Create`.
 */
async function fill(host: OpenHost): Promise<void> {
  const isSqlite = testDialect() === 'sqlite'
  const numbers = isSqlite
    ? `(with recursive s(n) as (values (1) union all select n + 1 from s where n < ${MANY}) select n from s)`
    : `(select n from generate_series(1::bigint, ${MANY}) n) s`
  await host.run(`insert into xe_webhook_message (event_id, tenant_id, site_id, event_type, created_on, body)
    select case when n = 20000 then '${EVENT_ID}' else 'evt_' || n end, 1, 1, case when n % 100 = 0 then 'Page.Create' else 'File.Download' end, ${START} + n * ${EACH_MS}, '{}'
    from ${numbers} order by n`)
  await host.run(`insert into xe_webhook_delivery (message_key, endpoint_key, state, due_on, created_on)
    select n, endpoint, case when endpoint = 1 and n % 1000 = 0 then 'exhausted'
        when endpoint = 1 and n % 1000 = 1 then 'cancelled' when endpoint = 1 and n % 5000 = 2 then 'pending'
        else 'succeeded' end,
      1, ${START} + n * ${EACH_MS}
    from ${numbers} cross join (select 1 as endpoint union all select 2) e`)
  await host.run(`update xe_webhook_delivery set attempt_count = 1, last_status = 500, last_error_code = 'http_status'
    where state = 'pending'`)
  if (!isSqlite) await host.run('analyze xe_webhook_message, xe_webhook_delivery, xe_webhook_endpoint')
}

/** Searches, and tells how each of its statements was planned. */
async function searchAndExplain(host: OpenHost, query: Partial<SearchDeliveries>) {
  const asked: CompiledQuery[] = []
  const executor = {
    executeQuery(statement: CompiledQuery) {
      asked.push(statement)
      return host.db.executeQuery(statement)
    },
  } as unknown as SqlExecutor
  const { search } = createDeliverySearch(
    openStore({
      db: executor as unknown as Kysely<unknown>,
      sql: sqlDialectOf(testDialect()),
      names: tableNames('xe_', undefined),
      nodeId: 'node-1',
      clock: asSharedClock(systemClock),
    }),
    { describe: async (rows) => rows as never },
  )
  const { items } = await search({ tenantId: 1, ...query })
  const explain =
    testDialect() === 'sqlite' ? 'explain query plan' : 'explain (analyze, buffers, costs off, timing off)'
  const plans: string[] = []
  for (const { sql, parameters } of asked) {
    const plan = await host.db.executeQuery(Query.raw(`${explain} ${sql}`, [...parameters]))
    plans.push(plan.rows.map((row) => Object.values(row as object).join(' ')).join('\n'))
  }
  return { items, plans }
}

it('reads no more of 100,000 deliveries than it shows, whatever is asked for', async () => {
  await using host = await openHost()
  const { endpoint } = await host.sender.endpoints.create({ tenantId: 1, url: 'https://example.com' })
  await host.sender.endpoints.create({ tenantId: 1, url: 'https://example.com' })
  await fill(host)
  const endpointId = endpoint.id
  const at = (message: number) => new Date(START + message * EACH_MS)
  const time = { createdAfter: at(10_000), createdBefore: at(10_100) }
  const cases: [Partial<SearchDeliveries>, count: number, index?: string][] = [
    [{}, 50],
    [{ endpointId }, 50],
    [{ before: 'dlv_1_25000' }, 50],
    [{ endpointId, state: 'succeeded' }, 50],
    [{ endpointId, state: 'exhausted' }, 50, 'delivery_exhausted'],
    [{ endpointId, state: 'cancelled', limit: 250 }, 50, 'delivery_cancelled'],
    [{ state: ['exhausted', 'cancelled'] }, 50, 'delivery_cancelled'],
    [{ state: 'exhausted', ...time }, 1, 'delivery_exhausted'],
    [{ state: 'pending' }, 10, 'delivery_due'],
    [{ hasFailedAttempts: true }, 10, 'delivery_failed'],
    [{ status: '5xx', errorCode: 'http_status' }, 10, 'delivery_failed'],
    [{ endpointId, eventType: 'page.*', ...time }, 1],
    [{ endpointId, limit: 250, ...time }, 100],
    [{ eventId: EVENT_ID }, 2],
  ]
  for (const [filter, count, index = ''] of cases) {
    const { items, plans } = await searchAndExplain(host, filter)
    const what = `${JSON.stringify(filter)}\n${plans.join('\n')}`
    expect(items, what).toHaveLength(count)
    expect(plans.at(-1), what).toContain(index)
    for (const plan of plans) {
      // What a subquery has read is not read from a table.
      const subqueries = [...plan.matchAll(/CO-ROUTINE (\w+)/g)].map(([, name]) => `SCAN ${name}`)
      const read = subqueries.reduce((rest, scan) => rest.replace(scan, ''), plan)
      if (testDialect() === 'sqlite') expect(read.replaceAll(SMALL_SCAN, ''), what).not.toContain('SCAN')
      else expect(Number(/shared hit=(\d+)/.exec(plan)?.[1] ?? 0), what).toBeLessThan(2_000)
    }
  }
})

it('finds what was created in a time, to the millisecond', async () => {
  await using host = await openHost()
  await host.sender.endpoints.create({ tenantId: 1, url: 'https://example.com' })
  await host.sender.endpoints.create({ tenantId: 1, url: 'https://example.com' })
  await fill(host)
  // As if retention had deleted some, and a clock had gone back a little.
  await host.run('delete from xe_webhook_message where key < 100 or key between 20000 and 20050')
  await host.run(
    'delete from xe_webhook_delivery where message_key < 100 or message_key between 20000 and 20050',
  )
  await host.run(`update xe_webhook_message set created_on = created_on - 25000 where key in (10003, 10102)`)
  await host.run(
    `update xe_webhook_delivery set created_on = created_on - 25000 where message_key in (10003, 10102)`,
  )
  const at = (message: number, extraMs = 0) => new Date(START + message * EACH_MS + extraMs)
  const keysOf = async (createdAfter?: Date, createdBefore?: Date, before?: string) => {
    const { deliveries } = host.sender
    const { id: endpointId } = (await host.sender.endpoints.list({ tenantId: 1 }))[0] as { id: string }
    const found = await deliveries.list({
      tenantId: 1,
      endpointId,
      createdAfter,
      createdBefore,
      before,
      limit: 250,
    })
    return found.map(({ id }) => Number(id.split('_')[2]))
  }
  expect(await keysOf(at(10_010), at(10_013))).toEqual([10_012, 10_011, 10_010])
  expect(await keysOf(at(10_010, 1), at(10_013, 1))).toEqual([10_013, 10_012, 10_011])
  expect(await keysOf(at(10_000), at(10_003))).toEqual([10_003, 10_002, 10_001, 10_000])
  expect(await keysOf(at(10_100), at(10_200), 'dlv_2_10103')).toEqual([10_101, 10_100])
  expect(await keysOf(at(19_999), at(20_052))).toEqual([20_051, 19_999])
  expect(await keysOf(undefined, at(101))).toEqual([100])
  expect(await keysOf(at(MANY - 1))).toEqual([MANY, MANY - 1])
  expect(await keysOf(at(MANY, 1))).toEqual([])
  expect(await keysOf(at(200), at(100))).toEqual([])
  await expect(keysOf('2026' as never)).rejects.toMatchObject({
    code: 'invalid_argument',
    field: 'createdAfter',
  })
})
