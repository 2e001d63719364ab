import { flag, integer, json, nullable, readRows, text, word } from '@x/events-engine/internal'
import type { StoredCircuit } from '../deliver/circuit-breaker.ts'
import type { DisabledReason } from '../endpoints/endpoint.ts'
import type { StoreContext } from './context.ts'
import { KINDS } from './queue.ts'

/** Whether an endpoint gets anything, as it is stored. */
export interface EndpointStanding extends StoredCircuit {
  readonly key: number
  readonly id: string
  readonly enabled: boolean
  readonly disabledOn: number | null
  readonly disabledReason: DisabledReason | null
  readonly deletedOn: number | null
  readonly isPull: boolean
  /** Null where the sender's own holds. */
  readonly retrySchedule: readonly number[] | null
}

/** What waits for an endpoint. */
export interface EndpointBacklog {
  /** More than {@link MAX_WAITING} stand for any number. */
  readonly waiting: number
  /** When the oldest of them was created; of so many at most. */
  readonly oldestOn: number | null
  /** When something is to be attempted next; null when nothing is. */
  readonly dueOn: number | null
}

/** Counting further would read a long backlog to its end. */
export const MAX_WAITING = 1_000

const standingColumns = {
  key: integer,
  id: text,
  enabled: flag,
  disabled_on: nullable(integer),
  disabled_reason: nullable(word<DisabledReason>()),
  deleted_on: nullable(integer),
  is_pull: flag,
  retry_schedule: nullable(json<readonly number[]>()),
  failing_since: nullable(integer),
  not_before: integer,
  details: nullable(text),
}

const backlogColumns = {
  endpoint_key: integer,
  waiting: integer,
  oldest_on: nullable(integer),
  due_on: nullable(integer),
}

/** How endpoints stand, for people to see: many at once, at a cost that does not grow with what waits. */
export function healthStore({ db, sql, names }: StoreContext) {
  const standings =
    sql.statement(`select e.key, e.id, e.enabled, e.disabled_on, e.disabled_reason, e.deleted_on, e.url is null as is_pull,
      e.retry_schedule, q.failing_since, coalesce(q.not_before, 0) as not_before, q.details
    from ${names.endpoint} e left join ${names.queue} q on q.endpoint_key = e.key
    where ${sql.isListed('e.key', '$1')}`)
  const indexed = sql.indexedBy(`${names.prefix}delivery_due`)
  // In the order of the index, so that no more is read than is counted: PostgreSQL would collect all that waits first.
  const waiting = (
    value: string,
  ) => `(select ${value} from (select d.message_key from ${names.delivery} d${indexed}
      where d.endpoint_key = e.key and d.state = 'pending' and (d.attempt_count > 0) = kind.tried
      order by d.due_on, d.message_key limit ${MAX_WAITING + 1}) w)`
  const backlogs = sql.statement(`select e.key as endpoint_key,
      (select sum(kinds.counted) from (select ${waiting('count(*)')} as counted from ${KINDS}) kinds) as waiting,
      (select d.created_on from ${names.delivery} d where d.endpoint_key = e.key and d.message_key = (
        select min(kinds.oldest) from (select ${waiting('min(w.message_key)')} as oldest from ${KINDS}) kinds)) as oldest_on,
      (select q.due_on from ${names.queue} q where q.endpoint_key = e.key) as due_on
    from ${names.endpoint} e where ${sql.isListed('e.key', '$1')}`)

  return {
    /** By their keys; those deleted included. */
    async endpointStandings(endpointKeys: readonly number[]): Promise<Map<number, EndpointStanding>> {
      const rows = await readRows(db, standingColumns, standings, [JSON.stringify(endpointKeys)])
      return new Map(
        rows.map((row) => [
          row.key,
          {
            key: row.key,
            id: row.id,
            enabled: row.enabled,
            disabledOn: row.disabled_on,
            disabledReason: row.disabled_reason,
            deletedOn: row.deleted_on,
            isPull: row.is_pull,
            retrySchedule: row.retry_schedule,
            failingSince: row.failing_since,
            notBefore: row.not_before,
            details: row.details,
          },
        ]),
      )
    },

    async endpointBacklogs(endpointKeys: readonly number[]): Promise<Map<number, EndpointBacklog>> {
      const rows = await readRows(db, backlogColumns, backlogs, [JSON.stringify(endpointKeys)])
      return new Map(
        rows.map((row) => [
          row.endpoint_key,
          { waiting: row.waiting, oldestOn: row.oldest_on, dueOn: row.due_on },
        ]),
      )
    },
  }
}
