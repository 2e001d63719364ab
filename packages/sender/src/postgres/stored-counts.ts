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
  // A row may still say that something is due when the last of it is done, see record-attempts. One entry of the
  // index tells, of either kind, whatever else waits.
  const oldest = `(select q.due_on from ${names.queue} q
      join ${names.endpoint} e on e.key = q.endpoint_key and e.enabled
      cross join lateral (
        select from (values (false), (true)) kind (tried) cross join lateral (
          select from ${names.delivery} d
          where d.endpoint_key = q.endpoint_key and d.state = 'pending' and (d.attempt_count > 0) = kind.tried
            and d.due_on <= $1
          order by d.due_on limit 1) first
        limit 1) waiting
      where q.due_on <= $1 order by q.due_on limit 1) as "oldestDueOn"`
  const statement = `select
    (select count(*) from ${names.endpoint} where enabled and deleted_on is null) as enabled,
    (select count(*) from ${names.endpoint} where not enabled and deleted_on is null) as disabled,
    (select count(*) from ${names.delivery} where state = 'pending') as pending,
    (select count(*) from ${names.delivery} where state = 'exhausted') as exhausted,
    ${oldest}`
  const atMost = (state: string) =>
    `(select count(*) from (select 1 from ${names.delivery} where state = '${state}' limit $2) counted) as ${state}`
  const queue = `select ${oldest}, ${atMost('pending')}, ${atMost('exhausted')}`

  return {
    async counts(now) {
      const [row] = await readRows(db, countColumns, statement, [now])
      return row as StoredCounts
    },

    async measureQueue(now, limit) {
      const [row] = await readRows(db, queueColumns, queue, [now, limit])
      return row as QueueCounts
    },
  }
}
