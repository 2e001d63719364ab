import { integer, nullable, readRows } from '@x/events-engine/internal'
import type { DeliveriesAhead } from '../deliveries/delivery-reason.ts'
import type { DeliveryKey } from '../deliveries/delivery-row.ts'
import type { StoreContext } from './context.ts'
import { MAX_WAITING } from './health.ts'
import { KINDS } from './queue.ts'

/** What comes before a delivery. */
export interface Predecessor extends DeliveriesAhead {
  /** Of the delivery whose turn it is in the ordering key; null where it has ended just now. */
  readonly messageKey: number | null
}

const countColumns = { count: integer }
const predecessorColumns = { message_key: nullable(integer), count: integer }

function aheadOf(count: number): Required<DeliveriesAhead> {
  return { ahead: Math.min(count, MAX_WAITING), aheadCapped: count > MAX_WAITING }
}

/**
 * Counts what comes before a delivery. In the order of an index, so that no more is read than is counted: PostgreSQL would
 * collect all that waits first.
 */
export function aheadStore({ db, sql, names }: StoreContext) {
  const indexed = (name: string) => sql.indexedBy(`${names.prefix}${name}`)
  // Below it are the remains of what is done.
  const first = sql.isLocal
    ? ''
    : `and d.due_on >= coalesce((select q.first_on from ${names.queue} q where q.endpoint_key = $1), 0)`
  const countDue = sql.statement(`select coalesce(sum(kinds.counted), 0) as count from (
      select (select count(*) from (
        select 1 from ${names.delivery} d${indexed('delivery_due')}
        where d.endpoint_key = $1 and d.state = 'pending' and (d.attempt_count > 0) = kind.tried
          ${first} and d.due_on <= $2 and (d.due_on, d.message_key) < ($2, $3)
        order by d.due_on, d.message_key limit ${MAX_WAITING + 1}) due) as counted
      from ${KINDS}) kinds`)
  const inKey = `from ${names.delivery} d${indexed('delivery_ordering')}
    where d.endpoint_key = $1 and d.ordering_key = $2 and d.state = 'pending'`
  const predecessor = sql.statement(`select
      (select d.message_key ${inKey} and d.due_on is not null order by d.due_on, d.message_key limit 1) as message_key,
      (select count(*) from (
        select 1 ${inKey} and d.due_on is null and d.message_key < $3
        order by d.due_on, d.message_key limit ${MAX_WAITING + 1}) waiting) as count`)

  return {
    /** How many of the endpoint's deliveries are due before one, of those that are due. */
    async countAhead({
      endpointKey,
      dueOn,
      messageKey,
    }: DeliveryKey & { readonly dueOn: number }): Promise<Required<DeliveriesAhead>> {
      const [row] = await readRows(db, countColumns, countDue, [endpointKey, dueOn, messageKey])
      return aheadOf(row?.count ?? 0)
    },

    /** What comes before one in its ordering key. */
    async findPredecessor({
      endpointKey,
      orderingKey,
      messageKey,
    }: DeliveryKey & { readonly orderingKey: string }): Promise<Predecessor> {
      const values = [endpointKey, orderingKey, messageKey]
      const [row] = await readRows(db, predecessorColumns, predecessor, values)
      const next = row?.message_key ?? null
      return { messageKey: next, ...aheadOf((row?.count ?? 0) + (next === null ? 0 : 1)) }
    },
  }
}
