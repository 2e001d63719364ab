import {
  findsRow,
  integer,
  ownTransaction,
  readRows,
  runStatement,
  type SqlExecutor,
  text,
} from '@x/events-engine/internal'
import { unpackCounters } from '../statistics/counters.ts'
import {
  hoursOf,
  mergeRows,
  rowsOfCounters,
  type StatisticKey,
  type StatisticRow,
  statisticColumns,
  statisticRowOf,
  storedStatisticOf,
} from '../statistics/rollup.ts'
import type { StoreContext } from './context.ts'

/** Whose statistics: an endpoint's, or where its key is 0 all of the tenant's. */
export type StatisticsOwner = Pick<StatisticKey, 'tenantId' | 'endpointKey'>

/** Which statistics to read. */
export interface StatisticsRange extends StatisticsOwner {
  readonly since: number
  readonly until: number
}

/** Which endpoints' hours to read. */
export interface HoursToRead {
  readonly tenantId: number
  readonly endpointKeys: readonly number[]
  readonly since: number
  readonly until: number
}

/** What was attempted in an hour. */
export interface HourOfEndpoint {
  readonly endpointKey: number
  /** 0 for the first after `since`. */
  readonly hour: number
  readonly succeeded: number
  readonly failed: number
}

const hourColumns = { endpoint_key: integer, hour: integer, succeeded: integer, failed: integer }
const KEY = 'tenant_id, endpoint_key, seconds, from_on'
const COUNTS = ['succeeded', 'failed', 'exhausted', 'latency']
const COLUMNS = `${KEY}, ${COUNTS.join(', ')}`
const ownerColumns = { tenant_id: integer, endpoint_key: integer }

/** Counts of attempts over time. */
export function statisticsStore({ db, sql, names }: StoreContext) {
  const records = sql.records({
    tenant_id: 'integer',
    endpoint_key: 'integer',
    seconds: 'integer',
    from_on: 'integer',
    succeeded: 'integer',
    failed: 'integer',
    exhausted: 'integer',
    latency: 'text',
  })
  const keys = sql.records({ key: 'integer' })
  // Counts are read, added to and written by one node at a time. Any row that always exists would do.
  const lock = sql.statement(
    `select id from ${names.reconciliation} where ${sql.limitsIdle} and id = 1${sql.lock('for update')}`,
  )
  const take = sql.statement(`delete from ${names.counter}
    where ${sql.isChosen('key', `select key from ${names.counter} where key > $2 order by key limit $1`)}
    returning key, body`)
  const any = sql.statement(`select 1 as found from ${names.counter} where key > $1 order by key limit 1`)
  const tenants = sql.statement(
    `select key, tenant_id from ${names.endpoint} where ${sql.isListed('key', '$1')}`,
  )
  const columnsOfSame = COLUMNS.split(', ').map((column) => `t.${column}`)
  const same = sql.statement(`select ${columnsOfSame.join(', ')}
    from ${records.table('$1', 's')} cross join ${names.statistic} t
    where t.tenant_id = s.tenant_id and t.endpoint_key = s.endpoint_key and t.seconds = s.seconds and t.from_on = s.from_on`)
  const save = sql.statement(`insert into ${names.statistic} (${COLUMNS})
    select ${COLUMNS} from ${records.table('$1', 's')} where true${sql.upsert({
      key: KEY,
      set: COUNTS.map((column) => `${column} = ${sql.proposed(column)}`).join(', '),
    })}`)
  const read = sql.statement(`select ${COLUMNS} from ${names.statistic}
    where tenant_id = $1 and endpoint_key = $2 and seconds in (60, 3600) and from_on >= $3 and from_on < $4`)
  const hour = '(t.from_on - $3) / 3600000'
  const sum = (column: string) => `${sql.cast(`sum(t.${column})`, 'integer')} as ${column}`
  const hours = sql.statement(
    `select t.endpoint_key, ${hour} as hour, ${sum('succeeded')}, ${sum('failed')}
    from ${keys.table('$2', 'k')} cross join ${names.statistic} t
    where t.tenant_id = $1 and t.endpoint_key = k.key and t.seconds in (60, 3600)
      and t.from_on >= $3 and t.from_on < $4
    group by t.endpoint_key, ${hour}`.replaceAll('$3', sql.cast('$3', 'integer')),
  )
  const next = sql.statement(`select tenant_id, endpoint_key from ${names.statistic}
    where (tenant_id, endpoint_key) > ($1, $2) order by tenant_id, endpoint_key limit 1`)
  const ofOne = `from ${names.statistic} where tenant_id = $1 and endpoint_key = $2`
  const isAhead = 'from_on > $5'
  const anyOld = sql.statement(`select 1 as found ${ofOne} and ((seconds = 60 and from_on < $3)
    or (seconds = 3600 and from_on < $4)${sql.isLocal ? ` or ${isAhead}` : ''}) limit 1`)
  const takeAhead = sql.statement(`delete ${ofOne} and ${isAhead} returning ${COLUMNS}`)
  const takeMinutes = sql.statement(`delete ${ofOne} and seconds = 60 and from_on < $3 returning ${COLUMNS}`)
  const drop = sql.statement(`delete ${ofOne} and seconds in (60, 3600) and from_on < $4`)

  function locked<TResult>(work: (trx: SqlExecutor) => Promise<TResult>): Promise<TResult> {
    return ownTransaction(db, async (trx) => {
      if (!sql.isLocal) await runStatement(trx, lock)
      return work(trx)
    })
  }

  async function add(trx: SqlExecutor, rows: readonly StatisticRow[]): Promise<void> {
    if (rows.length === 0) return
    const stored = await readRows(trx, statisticColumns, same, [records.encode(rows.map(storedStatisticOf))])
    const sums = mergeRows([...stored.map(statisticRowOf), ...rows])
    await runStatement(trx, save, [records.encode(sums.map(storedStatisticOf))])
  }

  return {
    /**
     * Adds some of what `recordAttempts` has counted to the minutes of its endpoints.
     *
     * @param after - the key after which to begin, 0 for all. On PostgreSQL, rows that are rolled up stay in the way of those
     *   behind them while an older snapshot is held.
     * @returns the greatest key that was rolled up, `after` if none was, and whether there may be more.
     */
    async rollUpCounters(
      limit: number,
      after: number,
    ): Promise<{ readonly last: number; readonly more: boolean }> {
      // What another node is adding is still there to be seen, and waited for.
      if (!(await findsRow(db, any, [after]))) return { last: after, more: false }
      return locked(async (trx) => {
        const taken = await readRows(trx, { key: integer, body: text }, take, [limit, after])
        const counters = taken.flatMap(({ body }) => unpackCounters(body))
        const keys = JSON.stringify([...new Set(counters.map(({ endpointKey }) => endpointKey))])
        const owners = await readRows(trx, { key: integer, tenant_id: integer }, tenants, [keys])
        await add(trx, rowsOfCounters(counters, new Map(owners.map((row) => [row.key, row.tenant_id]))))
        const last = taken.reduce((greatest, { key }) => Math.max(greatest, key), after)
        return { last, more: taken.length === limit }
      })
    },

    async readStatistics({ tenantId, endpointKey, since, until }: StatisticsRange): Promise<StatisticRow[]> {
      const rows = await readRows(db, statisticColumns, read, [tenantId, endpointKey, since, until])
      return rows.map(statisticRowOf)
    },

    /** What was attempted in each hour since a time, of many endpoints of a tenant; hours without attempts are left out. */
    async readHours({ tenantId, endpointKeys, since, until }: HoursToRead): Promise<HourOfEndpoint[]> {
      const list = keys.encode(endpointKeys.map((key) => ({ key })))
      const rows = await readRows(db, hourColumns, hours, [tenantId, list, since, until])
      return rows.map(({ endpoint_key: endpointKey, ...counts }) => ({ endpointKey, ...counts }))
    },

    /** Whose statistics come next, in the order of tenants and endpoints. */
    async nextStatistics({ tenantId, endpointKey }: StatisticsOwner): Promise<StatisticsOwner | undefined> {
      const [row] = await readRows(db, ownerColumns, next, [tenantId, endpointKey])
      return row && { tenantId: row.tenant_id, endpointKey: row.endpoint_key }
    },

    /** Makes hours of minutes from before one time, and drops what is from before another. */
    async tidyStatistics(
      { tenantId, endpointKey }: StatisticsOwner,
      {
        hoursBefore,
        dropBefore,
        now,
      }: { readonly hoursBefore: number; readonly dropBefore: number; readonly now: number },
    ): Promise<void> {
      const values = [tenantId, endpointKey, hoursBefore, dropBefore, now]
      if (!(await findsRow(db, anyOld, values))) return
      await locked(async (trx) => {
        if (sql.isLocal) {
          // Counted before the clock was set back: by the hour in which that is found.
          const ahead = await readRows(trx, statisticColumns, takeAhead, values)
          await add(trx, hoursOf(ahead.map((row) => ({ ...statisticRowOf(row), fromOn: now }))))
        }
        const minutes = await readRows(trx, statisticColumns, takeMinutes, values)
        await add(trx, hoursOf(minutes.map(statisticRowOf)))
        await runStatement(trx, drop, values)
      })
    },
  }
}
