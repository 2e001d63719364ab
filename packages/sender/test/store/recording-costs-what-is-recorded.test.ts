import type { SqlExecutor } from '@x/events-engine/internal'
import { sqlDialectOf } from '@x/events-engine/internal'
import { manualClock } from '@x/testkit'
import { CompiledQuery, type Kysely } from 'kysely'
import { expect, it } from 'vitest'
import { asSharedClock } from '../../src/clock.ts'
import { resultStore } from '../../src/store/results.ts'
import { tableNames } from '../../src/table-names.ts'
import { onPostgres } from '../each-database.ts'
import { type OpenHost, openHost } from '../open-host.ts'
import { successOf } from '../success-of.ts'

const PENDING = 10_000
const names = tableNames('xe_', undefined)

/** Deliveries that are all done, by the statistics, and then as many that wait. */
async function fill(host: OpenHost): Promise<void> {
  const insert = (state: string, from: number) => `insert into xe_webhook_delivery
      (message_key, endpoint_key, state, due_on, attempt_count, created_on)
    select n, 1, '${state}', 1, ${state === 'pending' ? 0 : 1}, 1 from generate_series(${from}, ${from + PENDING - 1}) n`
  await host.run('alter table xe_webhook_delivery set (autovacuum_enabled = false)')
  await host.run(insert('succeeded', 1))
  await host.run('analyze xe_webhook_delivery')
  await host.run(insert('pending', PENDING + 1))
  await host.run('insert into xe_webhook_queue (endpoint_key, due_on, first_on, epoch) values (1, 1, 1, 7)')
}

it('looks for the rows of results, not for results of rows, whatever the statistics say is pending', () =>
  onPostgres(async () => {
    await using host = await openHost()
    await fill(host)
    const plans: string[] = []
    const explaining: SqlExecutor & { getExecutor(): unknown; transaction(): unknown } = {
      getExecutor: () => host.db.getExecutor(),
      async executeQuery<TRow>({ sql, parameters }: CompiledQuery<TRow>) {
        if (!sql.includes('update xe_webhook_delivery')) {
          return host.db.executeQuery<TRow>(CompiledQuery.raw(sql, [...parameters]) as CompiledQuery<TRow>)
        }
        // Runs it, too.
        const explain = CompiledQuery.raw(`explain (analyze, costs off, timing off) ${sql}`, [...parameters])
        const plan = await host.db.executeQuery<{ 'QUERY PLAN': string }>(explain)
        plans.push(plan.rows.map((row) => row['QUERY PLAN']).join('\n'))
        return { rows: [{ counts: true, is_new: true } as TRow] }
      },
      transaction: () => ({
        setIsolationLevel: () => explaining.transaction(),
        execute: (work: (trx: unknown) => Promise<unknown>) => work(explaining),
      }),
    }
    const { recordAttempts } = resultStore({
      db: explaining as unknown as Kysely<unknown>,
      sql: sqlDialectOf('postgres'),
      names,
      nodeId: 'node-1',
      clock: asSharedClock(manualClock(1_000_000)),
    })
    const record = (from: number) =>
      recordAttempts(
        {
          results: Array.from({ length: 100 }, (_, index) => successOf(1, PENDING + from + index, 7, 1)),
          states: [],
        },
        async () => {},
      )
    // The first time with the queue's row, and then without.
    await record(1)
    await record(101)
    expect(plans).toHaveLength(2)
    for (const plan of plans) {
      // By its key, or all in one go where the table is small; not all results for each row that may be open.
      expect(plan).toMatch(
        /Index Scan using xe_webhook_delivery_(pkey|endpoint) on xe_webhook_delivery d|Hash Cond: \(\(d\./,
      )
      expect(plan).not.toMatch(/Nested Loop.*\n.*(Seq Scan on xe_webhook_delivery|xe_webhook_delivery_due)/)
    }
    const [done] = await host.run<{ count: string }>(
      "select count(*) from xe_webhook_delivery where state = 'succeeded' and last_status = 204",
    )
    expect(Number(done?.count)).toBe(200)
  }))
