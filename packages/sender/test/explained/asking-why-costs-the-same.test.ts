import { systemClock } from '@x/events-core'
import { type SqlExecutor, sqlDialectOf } from '@x/events-engine/internal'
import { type CompiledQuery, type Kysely, CompiledQuery as Query } from 'kysely'
import { expect } from 'vitest'
import { asSharedClock } from '../../src/clock.ts'
import { openStore } from '../../src/store/store.ts'
import { tableNames } from '../../src/table-names.ts'
import { it, testDialect } from '../each-database.ts'
import { openHost } from '../open-host.ts'

const MANY = 30_000

it('reads no more of what waits than it counts', async () => {
  await using host = await openHost()
  await host.sender.endpoints.create({ tenantId: 1, url: 'https://example.com' })
  const isSqlite = testDialect() === 'sqlite'
  const numbers = isSqlite
    ? `(with recursive s(n) as (values (1) union all select n + 1 from s where n < ${MANY}) select n from s)`
    : `(select n from generate_series(1::bigint, ${MANY}) n) s`
  // Two of three in one ordering key, of which the first is due.
  await host.run(`insert into xe_webhook_delivery (message_key, endpoint_key, state, due_on, ordering_key, created_on, attempt_count)
    select n, 1, 'pending', case when n % 3 = 0 or n = 4 then n end, case when n % 3 <> 0 then 'k' end, n, n % 2 from ${numbers}`)
  if (!isSqlite) await host.run('analyze xe_webhook_delivery')
  const asked: CompiledQuery[] = []
  const executor = {
    executeQuery(statement: CompiledQuery) {
      asked.push(statement)
      return host.db.executeQuery(statement)
    },
  } as unknown as SqlExecutor
  const store = openStore({
    db: executor as unknown as Kysely<unknown>,
    sql: sqlDialectOf(testDialect()),
    names: tableNames('xe_', undefined),
    nodeId: 'node-1',
    clock: asSharedClock(systemClock),
  })

  const { waiting = 0, oldestOn } = (await store.endpointBacklogs([1])).get(1) ?? {}
  expect(waiting).toBeGreaterThan(1_000)
  expect(oldestOn).toBeLessThan(2_000)
  const last = { endpointKey: 1, messageKey: MANY - 1 }
  expect(await store.countAhead({ ...last, dueOn: MANY })).toEqual({ ahead: 1_000, aheadCapped: true })
  const inKey = await store.findPredecessor({ ...last, orderingKey: 'k' })
  expect(inKey).toEqual({ messageKey: 4, ahead: 1_000, aheadCapped: true })

  expect(asked).toHaveLength(3)
  for (const { sql, parameters } of asked) {
    const explain = isSqlite ? 'explain query plan' : 'explain (analyze, costs off, timing off)'
    const plan = await host.db.executeQuery(Query.raw(`${explain} ${sql}`, [...parameters]))
    const text = plan.rows.map((row) => Object.values(row as object).join(' ')).join('\n')
    if (isSqlite) expect(text).not.toMatch(/SCAN d\b|TEMP B-TREE/)
    const read = [...text.matchAll(/actual rows=(\d+)/g)].map(([, rows]) => Number(rows))
    expect(Math.max(0, ...read), text).toBeLessThanOrEqual(1_001)
  }
})
