import { integer, nullable } from '../../sql/columns.ts'
import { readRows, type SqlExecutor } from '../../sql/database.ts'
import type { Position } from '../event-store.ts'
import { type Lag, lagOf, MAX_COUNTED } from '../lag.ts'
import { parsePosition } from '../snapshot-position.ts'
import type { TableNames } from '../table-names.ts'

const lagColumns = { events: integer, oldest: nullable(integer) }

/**
 * What lies behind a position, without counting to the end of a long log: what the statement sees and
 * the position's first snapshot did not, less what was read of its window already. Both ranges are
 * answered by the index on xid alone; beyond the cap, the oldest event is that of those counted.
 */
export function lagStatements(db: SqlExecutor, names: TableNames) {
  const isAhead = '(seq > $3::bigint or not pg_visible_in_snapshot(xid, $2::pg_snapshot))'
  const ahead = (range: string) => `
    (select seq from ${names.syncEvent} where ${range} and ${isAhead} order by xid, seq limit ${MAX_COUNTED + 1})`
  const lag = `select counted.events, (extract(epoch from first.modified_on) * 1000)::bigint as oldest
    from (
      select count(*) as events, min(seq) as first from (
        ${ahead('xid = any (array(select pg_snapshot_xip($1::pg_snapshot)))')}
        union all
        ${ahead('xid >= pg_snapshot_xmax($1::pg_snapshot)')}
        limit ${MAX_COUNTED + 1}
      ) ahead
    ) counted
    left join ${names.syncEvent} first on first.seq = counted.first`

  return {
    async measureLag(position: Position): Promise<Lag> {
      const { from, to, sequence } = parsePosition(position)
      // Without a second snapshot the comparison is null, so that the sequence alone decides.
      const [row] = await readRows(db, lagColumns, lag, [from, to ?? null, sequence.toString()])
      return lagOf(row?.events ?? 0, row?.oldest ?? null)
    },
  }
}
