import { integer, readRows, type SqlExecutor } from '@x/events-engine/internal'
import type { TableNames } from '../table-names.ts'

/**
 * Creates what finds the first delivery, by the key of its message, of a time or later, by halving: keys ascend with
 * time, so that no index on the time is needed.
 */
export function createMessageBound(names: TableNames) {
  const statement = `with recursive step (low, high) as (
      select coalesce((select min(message_key) from ${names.delivery}), 0), coalesce((select max(message_key) from ${names.delivery}), 0) + 1
      union all
      select iif(m.created_on < ?, m.message_key + 1, s.low), iif(m.created_on < ?, s.high, (s.low + s.high) / 2)
      from step s left join ${names.delivery} m on m.message_key = (
        select min(message_key) from ${names.delivery} where message_key >= (s.low + s.high) / 2 and message_key < s.high)
      where s.low < s.high
    )
    select low from step where low >= high`

  /** @returns its key, or one more than the last. */
  return async (db: SqlExecutor, time: number): Promise<number> => {
    const [row] = await readRows(db, { low: integer }, statement, [time, time])
    return row?.low ?? 0
  }
}
