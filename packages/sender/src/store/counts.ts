import { integer, nullable, readRows } from '@x/events-engine/internal'
import type { StoreContext } from './context.ts'
import { KINDS } from './queue.ts'

const queueColumns = { pending: integer, exhausted: integer, oldest_due_on: nullable(integer) }
const countColumns = { ...queueColumns, enabled: integer, disabled: integer }

/** Counts of deliveries that are stored. */
export interface QueueCounts {
  readonly pending: number
  readonly exhausted: number
  /** Of enabled endpoints; null when nothing is due. */
  readonly oldestDueOn: number | null
}

/** Counts of what is stored. */
export interface StoredCounts extends QueueCounts {
  readonly enabled: number
  readonly disabled: number
}

/** Counts that indexes answer: nothing here reads what has succeeded, which may be much. */
export function countStore({ db, sql, names }: StoreContext) {
  const queued = `${names.queue} q join ${names.endpoint} e on e.key = q.endpoint_key and e.enabled`
  // Only a local database keeps `due_on` exact, see `queueStatements`: elsewhere a row may still say that something is due when
  // the last of it is done. One entry of the index tells, of either kind, whatever else is pending.
  const oldestDueOn = sql.isLocal
    ? `(select min(q.due_on) from ${queued} where q.due_on <= $1)`
    : `(select q.due_on from ${queued}
      cross join lateral (
        select 1 as found from ${KINDS} cross join lateral (
          select 1 as found from ${names.delivery} d
          where d.endpoint_key = q.endpoint_key and d.state = 'pending' and (d.attempt_count > 0) = kind.tried
            and d.due_on <= $1
          order by d.due_on limit 1) first
        limit 1) waiting
      where q.due_on <= $1 order by q.due_on limit 1)`
  const oldest = `${oldestDueOn} as oldest_due_on`
  const counts = sql.statement(`select
    (select count(*) from ${names.endpoint} where enabled and deleted_on is null) as enabled,
    (select count(*) from ${names.endpoint} where not enabled and deleted_on is null) as disabled,
    (select count(*) from ${names.delivery} where state = 'pending') as pending,
    (select count(*) from ${names.delivery} where state = 'exhausted') as exhausted,
    ${oldest}`)
  const atMost = (state: string) =>
    `(select count(*) from (select 1 from ${names.delivery} where state = '${state}' limit $2) counted) as ${state}`
  const queue = sql.statement(`select ${oldest}, ${atMost('pending')}, ${atMost('exhausted')}`)

  return {
    async counts(now: number): Promise<StoredCounts> {
      const [row] = await readRows(db, countColumns, counts, [now])
      return {
        enabled: row?.enabled ?? 0,
        disabled: row?.disabled ?? 0,
        pending: row?.pending ?? 0,
        exhausted: row?.exhausted ?? 0,
        oldestDueOn: row?.oldest_due_on ?? null,
      }
    },

    /** The same of deliveries alone, of each state at most so many: cheap, however many there are. */
    async measureQueue(now: number, limit: number): Promise<QueueCounts> {
      const [row] = await readRows(db, queueColumns, queue, [now, limit])
      return {
        pending: row?.pending ?? 0,
        exhausted: row?.exhausted ?? 0,
        oldestDueOn: row?.oldest_due_on ?? null,
      }
    },
  }
}
