import { integer, readRows, type SqlExecutor } from '@x/events-engine/support'
import type { StoreContext } from './context.ts'

/**
 * Creates what finds the first message that was stored at a time or later, by halving: keys ascend with
 * time, so that no index on the time is needed.
 */
export function createMessageBound({ sql, names }: Pick<StoreContext, 'sql' | 'names'>) {
  const middle = '((s.low + s.high) >> 1)'
  const probe = (column: string) => `(select ${column} from ${names.message}
    where key >= ${middle} and key < s.high order by key limit 1)`
  const isBefore = `${probe('created_on')} < $1`
  const statement = sql.statement(`with recursive step (low, high) as (
      select coalesce((select min(key) from ${names.message}), 0), coalesce((select max(key) from ${names.message}), 0) + 1
      union all
      select case when ${isBefore} then ${probe('key')} + 1 else s.low end, case when ${isBefore} then s.high else ${middle} end
      from step s where s.low < s.high
    )
    select low from step where low >= high`)

  /** @returns its key, or one more than the last. */
  return async (db: SqlExecutor, time: number): Promise<number> => {
    const [row] = await readRows(db, { low: integer }, statement, [time])
    return row?.low ?? 0
  }
}
