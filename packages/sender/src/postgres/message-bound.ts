import { integer, readRows, type SqlExecutor } from '@x/events-engine/internal'
import type { TableNames } from '../table-names.ts'

/**
 * Creates what finds the first delivery, by the key of its message, of a time or later, by halving: keys ascend with
 * time, so that no index on the time is needed.
 */
export function createMessageBound(names: TableNames) {
  const isBefore = 'm.created_on < $1::bigint'
  const statement = `with recursive step (low, high) as (
      select coalesce((select min(message_key) from ${names.delivery}), 0), coalesce((select max(message_key) from ${names.delivery}), 0) + 1
      union all
      select case when ${isBefore} then m.message_key + 1 else s.low end,
        case when ${isBefore} then s.high else (s.low + s.high) / 2 end
      from step s left join lateral (
        select message_key, created_on from ${names.delivery}
        where message_key >= (s.low + s.high) / 2 and message_key < s.high order by message_key limit 1) m on true
      where s.low < s.high
    )
    select low from step where low >= high`

  /** @returns its key, or one more than the last. */
  return async (db: SqlExecutor, time: number): Promise<number> => {
    const [row] = await readRows(db, { low: integer }, statement, [time])
    return row?.low ?? 0
  }
}
