import { integer, nullable, readRows, type SqlExecutor } from '@x/events-engine/support'
import type { DeliveryStore, QueueCounts, StoredCounts } from '../delivery-store.ts'
import type { TableNames } from '../table-names.ts'

const queueColumns = { pending: integer, exhausted: integer, oldestDueOn: nullable(integer) }
const countColumns = { ...queueColumns, enabled: integer, disabled: integer }

/** Counts that indexes answer: nothing here reads what has succeeded, which may be much. */
export function countStatements(
  db: SqlExecutor,
  names: TableNames,
): Pick<DeliveryStore, 'counts' | 'measureQueue'> {
  const oldest = `(select min(q.due_on) from ${names.queue} q
      join ${names.endpoint} e on e.key = q.endpoint_key and e.enabled = 1 where q.due_on <= ?) as "oldestDueOn"`
  const statement = `select
    (select count(*) from ${names.endpoint} where enabled = 1 and deleted_on is null) as enabled,
    (select count(*) from ${names.endpoint} where enabled = 0 and deleted_on is null) as disabled,
    (select count(*) from ${names.delivery} where state = 'pending') as pending,
    (select count(*) from ${names.delivery} where state = 'exhausted') as exhausted,
    ${oldest}`
  const atMost = (state: string) =>
    `(select count(*) from (select 1 from ${names.delivery} where state = '${state}' limit ?) counted) as ${state}`
  const queue = `select ${oldest}, ${atMost('pending')}, ${atMost('exhausted')}`

  return {
    async counts(now) {
      const [row] = await readRows(db, countColumns, statement, [now])
      return row as StoredCounts
    },

    async measureQueue(now, limit) {
      const [row] = await readRows(db, queueColumns, queue, [now, limit, limit])
      return row as QueueCounts
    },
  }
}
