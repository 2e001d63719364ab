import { systemClock } from '@x/events-core'
import { postgresDatabase } from '@x/testkit/postgres'
import { CompiledQuery, type Kysely } from 'kysely'
import { expect, it } from 'vitest'
import { logStateStatements } from '../../src/migrations/log-state.ts'
import type { SqlExecutor } from '../../src/sql/database.ts'
import { postgres } from '../../src/sql/postgres.ts'
import { openEventStore } from '../../src/store/event-store.ts'
import { createEventLog } from '../../src/store/schema.ts'
import { tableNames } from '../../src/store/table-names.ts'

const names = tableNames('xe_', undefined)
const OLD = 20_000

const insert = (
  count: number,
) => `insert into xe_sync_event (id, tenant_id, site_id, entity_name, entity_id, action, modified_on)
  select 'evt_' || n, 1, 1, 'Page', n, 'Update', now() from generate_series(1, ${count}) n`

/** A log of events that no statistics have been made of yet, and the plans of what is asked of it. */
async function openLargeLog() {
  const database = await postgresDatabase<unknown>()
  const db: Kysely<unknown> = database.db
  await createEventLog(db, postgres, names)
  await logStateStatements(postgres, names).saveSchemaVersion(db, 1)
  await database.pool.query('alter table xe_sync_event set (autovacuum_enabled = false)')
  await database.pool.query(insert(OLD))
  const plans: string[] = []
  const explaining: SqlExecutor = {
    async executeQuery<TRow>(query: CompiledQuery<TRow>) {
      const explain = CompiledQuery.raw(`explain (analyze, costs off, timing off) ${query.sql}`, [
        ...query.parameters,
      ])
      const plan = await db.executeQuery<{ 'QUERY PLAN': string }>(explain)
      plans.push(plan.rows.map((row) => row['QUERY PLAN']).join('\n'))
      return db.executeQuery(query)
    },
  }
  const store = openEventStore({
    db: explaining as Kysely<unknown>,
    sql: postgres,
    names,
    nodeId: 'test',
    clock: systemClock,
  })
  return {
    pool: database.pool,
    store,
    async plansOf<TResult>(work: () => Promise<TResult>): Promise<string> {
      plans.length = 0
      await work()
      expect(plans).not.toHaveLength(0)
      return plans.join('\n')
    },
    [Symbol.asyncDispose]: () => database[Symbol.asyncDispose](),
  }
}

const scannedLog = /Seq Scan on xe_sync_event|rows=(?:[2-9]\d{3}|\d{5,})/

it('does not go through the log to find that nothing is new, or the little that is', async () => {
  await using log = await openLargeLog()
  const { store, pool, plansOf } = log
  const { marker } = await store.findChange(undefined)
  const position = await store.endPosition()
  expect(await plansOf(() => store.findChange(marker))).not.toMatch(scannedLog)
  expect(await plansOf(() => store.readAfter(position, 100))).not.toMatch(scannedLog)

  // While a transaction is open that had begun before: what it has written is looked for by its id.
  const open = await pool.connect()
  await open.query('begin')
  await open.query(insert(3))
  const { marker: during } = await store.findChange(marker)
  const from = await store.endPosition()
  await open.query('commit')
  open.release()
  await pool.query(insert(5))
  const changed = await plansOf(async () => {
    expect(await store.findChange(during)).toMatchObject({ changed: true })
  })
  expect(changed).not.toMatch(scannedLog)
  const read = await plansOf(async () => {
    expect((await store.readAfter(from, 100)).events).toHaveLength(8)
  })
  expect(read).not.toMatch(scannedLog)
})
