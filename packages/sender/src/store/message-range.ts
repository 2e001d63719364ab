import { integer, readRows, type SqlExecutor } from '@x/events-engine/internal'
import type { DeliveryState } from '../deliveries/delivery.ts'
import type { DeliveryKey } from '../deliveries/delivery-row.ts'
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

/** Which deliveries to list. */
export interface DeliveryFilter {
  readonly tenantId: number
  readonly endpointId: string | undefined
  readonly state: DeliveryState | undefined
  readonly eventType: string | undefined
  /** Inclusive. */
  readonly createdAfter: number | undefined
  /** Exclusive. */
  readonly createdBefore: number | undefined
  readonly before: DeliveryKey | undefined
  readonly limit: number
}

/** Which deliveries a filter lets through by time and page, in the order of the parameters of both dialects. */
export type MessageRange = readonly [
  createdAfter: number,
  createdBefore: number,
  firstMessage: number,
  beforeMessage: number,
  beforeEndpoint: number,
]

// Messages of a moment may have been stored in another order than their clocks say.
const DISORDER_MS = 60_000

/**
 * Narrows a filter by time to a range of messages, whose keys ascend with time.
 *
 * @param boundOf - finds the first message of a time or later.
 */
export async function messageRangeOf(
  { createdAfter, createdBefore, before }: DeliveryFilter,
  boundOf: (time: number) => Promise<number>,
): Promise<MessageRange> {
  const first = createdAfter === undefined ? 0 : await boundOf(createdAfter - DISORDER_MS)
  const end =
    createdBefore === undefined ? Number.MAX_SAFE_INTEGER : await boundOf(createdBefore + DISORDER_MS)
  const page = before !== undefined && before.messageKey < end ? before : { messageKey: end, endpointKey: 0 }
  return [
    createdAfter ?? Number.MIN_SAFE_INTEGER,
    createdBefore ?? Number.MAX_SAFE_INTEGER,
    first,
    page.messageKey,
    page.endpointKey,
  ]
}
