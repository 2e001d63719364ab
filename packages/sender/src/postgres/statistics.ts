import {
  findsRow,
  integer,
  ownTransaction,
  readRows,
  runStatement,
  type SqlExecutor,
  text,
} from '@x/events-engine/support'
import type { Kysely } from 'kysely'
import { unpackTallies } from '../statistics/packed-tally.ts'
import {
  hoursOf,
  mergeRows,
  rowsOfTallies,
  STATISTIC_COLUMNS,
  type StatisticRow,
  statisticColumns,
  statisticRowOf,
  storedStatisticOf,
} from '../statistics/rollup.ts'
import type { StatisticsStore } from '../statistics/statistics-store.ts'
import type { TableNames } from '../table-names.ts'
import { IDLE_LIMIT } from './lock-queue.ts'
import { keysOf } from './stored-values.ts'

const RECORD = `json_to_recordset($1::text::json) as s(tenant_id bigint, endpoint_key bigint, seconds integer, from_on bigint,
  succeeded bigint, failed bigint, exhausted bigint, latency text)`

const ownerColumns = { tenant_id: integer, endpoint_key: integer }

/** Counts of attempts over time. */
export function statisticStatements(db: Kysely<unknown>, names: TableNames): StatisticsStore {
  // Counts are read, added to and written: one node at a time.
  const lock = `select pg_advisory_xact_lock(hashtext($1)) from ${IDLE_LIMIT} idle where idle.set is not null`
  const take = `delete from ${names.tally} where key = any(array(select key from ${names.tally} order by key limit $1))
    returning body`
  const tenants = `select key, tenant_id from ${names.endpoint} where key = any(${keysOf('$1')})`
  const same = `select t.* from ${RECORD} join ${names.statistic} t using (tenant_id, endpoint_key, seconds, from_on)`
  const save = `insert into ${names.statistic} (${STATISTIC_COLUMNS}) select ${STATISTIC_COLUMNS} from ${RECORD}
    on conflict (tenant_id, endpoint_key, seconds, from_on) do update set succeeded = excluded.succeeded,
      failed = excluded.failed, exhausted = excluded.exhausted, latency = excluded.latency`
  const read = `select ${STATISTIC_COLUMNS} from ${names.statistic}
    where tenant_id = $1 and endpoint_key = $2 and seconds in (60, 3600) and from_on >= $3 and from_on < $4`
  const next = `select tenant_id, endpoint_key from ${names.statistic}
    where (tenant_id, endpoint_key) > ($1, $2) order by tenant_id, endpoint_key limit 1`
  const ofOne = `from ${names.statistic} where tenant_id = $1 and endpoint_key = $2`
  const anyOld = `select 1 as found ${ofOne} and ((seconds = 60 and from_on < $3) or (seconds = 3600 and from_on < $4)) limit 1`
  const takeMinutes = `delete ${ofOne} and seconds = 60 and from_on < $3 returning ${STATISTIC_COLUMNS}`
  const drop = `delete ${ofOne} and seconds in (60, 3600) and from_on < $3`

  function locked<TResult>(work: (trx: SqlExecutor) => Promise<TResult>): Promise<TResult> {
    return ownTransaction(db, async (trx) => {
      await runStatement(trx, lock, [names.statistic])
      return work(trx)
    })
  }

  async function add(trx: SqlExecutor, rows: readonly StatisticRow[]): Promise<void> {
    if (rows.length === 0) return
    const stored = await readRows(trx, statisticColumns, same, [JSON.stringify(rows.map(storedStatisticOf))])
    const sums = mergeRows([...stored.map(statisticRowOf), ...rows])
    await runStatement(trx, save, [JSON.stringify(sums.map(storedStatisticOf))])
  }

  return {
    foldTallies(limit) {
      return locked(async (trx) => {
        const taken = await readRows(trx, { body: text }, take, [limit])
        const tallies = taken.flatMap(({ body }) => unpackTallies(body))
        const keys = JSON.stringify([...new Set(tallies.map(({ endpointKey }) => endpointKey))])
        const owners = await readRows(trx, { key: integer, tenant_id: integer }, tenants, [keys])
        const tenantOf = new Map(owners.map((row) => [row.key, row.tenant_id]))
        await add(trx, rowsOfTallies(tallies, tenantOf))
        return taken.length === limit
      })
    },

    async readStatistics({ tenantId, endpointKey, since, until }) {
      const rows = await readRows(db, statisticColumns, read, [tenantId, endpointKey, since, until])
      return rows.map(statisticRowOf)
    },

    async nextStatistics({ tenantId, endpointKey }) {
      const [row] = await readRows(db, ownerColumns, next, [tenantId, endpointKey])
      return row && { tenantId: row.tenant_id, endpointKey: row.endpoint_key }
    },

    async tidyStatistics({ tenantId, endpointKey }, { hoursBefore, dropBefore }) {
      const one = [tenantId, endpointKey]
      if (!(await findsRow(db, anyOld, [...one, hoursBefore, dropBefore]))) return
      await locked(async (trx) => {
        const minutes = await readRows(trx, statisticColumns, takeMinutes, [...one, hoursBefore])
        await add(trx, hoursOf(minutes.map(statisticRowOf)))
        await runStatement(trx, drop, [...one, dropBefore])
      })
    },
  }
}
