import { integer, readRows, type SqlExecutor } from '@x/events-engine/internal'
import type { StoreContext } from './context.ts'

/**
 * Creates what finds the first delivery of a time or later, by halving: the keys of messages ascend with
 * time, so that no index on the time is needed.
 */
export function createMessageBound({ sql, names }: Pick<StoreContext, 'sql' | 'names'>) {
  const middle = '((s.low + s.high) >> 1)'
  const probe = (column: string) => `(select ${column} from ${names.delivery}
    where message_key >= ${middle} and message_key < s.high order by message_key limit 1)`
  const isBefore = `${probe('created_on')} < $1`
  const statement = sql.statement(`with recursive step (low, high) as (
      select coalesce((select min(message_key) from ${names.delivery}), 0),
        coalesce((select max(message_key) from ${names.delivery}), 0) + 1
      union all
      select case when ${isBefore} then ${probe('message_key')} + 1 else s.low end, case when ${isBefore} then s.high else ${middle} end
      from step s where s.low < s.high
    )
    select low from step where low >= high`)

  /** @returns its key, or one more than the last. */
  return async (db: SqlExecutor, time: number): Promise<number> => {
    const [row] = await readRows(db, { low: integer }, statement, [time])
    return row?.low ?? 0
  }
}

// Messages of a moment may have been stored in another order than their clocks say.
const DISORDER_MS = 60_000

/** Between which messages those of a time lie, about: from the first, up to the end. */
export interface MessageRange {
  readonly first: number
  readonly end: number
}

/**
 * Narrows a time range to a range of messages, whose keys ascend with time.
 *
 * @param boundOf - finds the first message of a time or later.
 */
export async function messageRangeOf(
  { since, until }: { readonly since?: number | undefined; readonly until?: number | undefined },
  boundOf: (time: number) => Promise<number>,
): Promise<MessageRange> {
  return {
    first: since === undefined ? 0 : await boundOf(since - DISORDER_MS),
    end: until === undefined ? Number.MAX_SAFE_INTEGER : await boundOf(until + DISORDER_MS),
  }
}
