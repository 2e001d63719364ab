import { integer, nullable } from '../../sql/columns.ts'
import { readRows, type SqlExecutor } from '../../sql/database.ts'
import type { Position } from '../event-store.ts'
import { type Lag, lagOf, MAX_COUNTED } from '../lag.ts'
import type { TableNames } from '../table-names.ts'

const lagColumns = { events: integer, oldest: nullable(integer) }

/** What lies behind a position, without counting to the end of a long log. */
export function lagStatements(db: SqlExecutor, names: TableNames) {
  const lag = `select
      (select count(*) from (select 1 from ${names.syncEvent} where seq > ? limit ${MAX_COUNTED + 1})) as events,
      (select modified_on from ${names.syncEvent} where seq > ? order by seq limit 1) as oldest`

  return {
    async measureLag(position: Position): Promise<Lag> {
      const sequence = Number(position.slice(2))
      const [row] = await readRows(db, lagColumns, lag, [sequence, sequence])
      return lagOf(row?.events ?? 0, row?.oldest ?? null)
    },
  }
}
