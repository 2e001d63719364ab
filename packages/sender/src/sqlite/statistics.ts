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

const ownerColumns = { tenant_id: integer, endpoint_key: integer }

/** Counts of attempts over time. */
export function statisticStatements(db: Kysely<unknown>, names: TableNames): StatisticsStore {
  const take = `delete from ${names.tally} where key in (select key from ${names.tally} order by key limit ?)
    returning body`
  const tenants = `select key, tenant_id from ${names.endpoint} where key in (select value from json_each(?))`
  const same = `select ${STATISTIC_COLUMNS} from ${names.statistic}
    where (tenant_id, endpoint_key, seconds, from_on) in (
      select value ->> 'tenant_id', value ->> 'endpoint_key', value ->> 'seconds', value ->> 'from_on' from json_each(?))`
  const values = STATISTIC_COLUMNS.split(', ')
    .map((column) => `value ->> '${column}'`)
    .join(', ')
  const save = `insert or replace into ${names.statistic} (${STATISTIC_COLUMNS}) select ${values} from json_each(?)`
  const read = `select ${STATISTIC_COLUMNS} from ${names.statistic}
    where tenant_id = ? and endpoint_key = ? and seconds in (60, 3600) and from_on >= ? and from_on < ?`
  const next = `select tenant_id, endpoint_key from ${names.statistic}
    where (tenant_id, endpoint_key) > (?, ?) order by tenant_id, endpoint_key limit 1`
  const ofOne = `from ${names.statistic} where tenant_id = ? and endpoint_key = ?`
  const anyOld = `select 1 as found ${ofOne} and ((seconds = 60 and from_on < ?) or (seconds = 3600 and from_on < ?) or from_on > ?) limit 1`
  const takeMinutes = `delete ${ofOne} and seconds = 60 and from_on < ? returning ${STATISTIC_COLUMNS}`
  const takeAhead = `delete ${ofOne} and from_on > ? returning ${STATISTIC_COLUMNS}`
  const drop = `delete ${ofOne} and seconds in (60, 3600) and from_on < ?`

  async function add(trx: SqlExecutor, rows: readonly StatisticRow[]): Promise<void> {
    if (rows.length === 0) return
    const stored = await readRows(trx, statisticColumns, same, [JSON.stringify(rows.map(storedStatisticOf))])
    const sums = mergeRows([...stored.map(statisticRowOf), ...rows])
    await runStatement(trx, save, [JSON.stringify(sums.map(storedStatisticOf))])
  }

  return {
    foldTallies(limit) {
      return ownTransaction(db, async (trx) => {
        const taken = await readRows(trx, { body: text }, take, [limit])
        const tallies = taken.flatMap(({ body }) => unpackTallies(body))
        const keys = JSON.stringify([...new Set(tallies.map(({ endpointKey }) => endpointKey))])
        const owners = await readRows(trx, { key: integer, tenant_id: integer }, tenants, [keys])
        await add(trx, rowsOfTallies(tallies, new Map(owners.map((row) => [row.key, row.tenant_id]))))
        return taken.length === limit
      })
    },

    async readStatistics({ tenantId, endpointKey, since, until }) {
      const rows = await readRows(db, statisticColumns, read, [tenantId, endpointKey, since, until])
      return rows.map(statisticRowOf)
    },

    async nextStatistics({ tenantId, endpointKey }) {
      const parameters = [tenantId, endpointKey]
      const [row] = await readRows(db, ownerColumns, next, parameters)
      return row && { tenantId: row.tenant_id, endpointKey: row.endpoint_key }
    },

    async tidyStatistics({ tenantId, endpointKey }, { hoursBefore, dropBefore, now }) {
      const one = [tenantId, endpointKey]
      if (!(await findsRow(db, anyOld, [...one, hoursBefore, dropBefore, now]))) return
      await ownTransaction(db, async (trx) => {
        // Counted before the clock was set back: by the hour in which that is found.
        const ahead = await readRows(trx, statisticColumns, takeAhead, [...one, now])
        await add(trx, hoursOf(ahead.map((row) => ({ ...statisticRowOf(row), fromOn: now }))))
        const minutes = await readRows(trx, statisticColumns, takeMinutes, [...one, hoursBefore])
        await add(trx, hoursOf(minutes.map(statisticRowOf)))
        await runStatement(trx, drop, [...one, dropBefore])
      })
    },
  }
}
