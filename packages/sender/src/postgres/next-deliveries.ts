import type { Clock } from '@x/events-core'
import { flag, integer, json, nullable, readRows, type SqlExecutor, text } from '@x/events-engine/internal'
import type { DeliveryStore, DueDelivery } from '../delivery-store.ts'
import type { TableNames } from '../table-names.ts'

const dueColumns = {
  endpoint_key: integer,
  message_key: integer,
  event_id: text,
  body: text,
  headers: nullable(json<string[]>()),
  traceparent: nullable(text),
  attempt_count: integer,
  step: integer,
  due_on: integer,
  lane: nullable(text),
  manual: nullable(flag),
}

/**
 * Reads what is due, of many endpoints in one statement, at most so many of each: of what was never
 * attempted, and of what was, so that neither hides the other. What people have asked for is read by itself.
 */
export function nextDeliveriesStatement(
  db: SqlExecutor,
  names: TableNames,
  clock: Clock,
): Pick<DeliveryStore, 'nextDeliveries' | 'manualDeliveries'> {
  // Nothing below first_on is pending: the index entries there are what is left of those that are done.
  const reading = (kinds: string, isOfKind: string) => `with wanted as materialized (
      select w.endpoint_key, w.known, coalesce(q.first_on, 0) as first_on
      from json_to_recordset($1::text::json) as w(endpoint_key bigint, known bigint[])
      join ${names.queue} q on q.endpoint_key = w.endpoint_key
    )
    select d.*, m.event_id, m.body, m.headers, m.traceparent
    from wanted w ${kinds} cross join lateral (
      select x.endpoint_key, x.message_key, x.attempt_count, x.step, x.due_on, x.lane, x.manual from ${names.delivery} x
      where x.endpoint_key = w.endpoint_key and x.state = 'pending' and ${isOfKind}
        and x.due_on >= w.first_on and x.due_on <= $2
        and x.message_key <> all(w.known)
      order by x.due_on, x.message_key limit $3) d
    join ${names.message} m on m.key = d.message_key
    order by d.due_on, d.message_key`
  const next = reading(
    'cross join (values (false), (true)) kind (tried)',
    '(x.attempt_count > 0) = kind.tried and x.manual is null',
  )
  const manual = reading('', 'x.manual')

  function createReader(statement: string): DeliveryStore['nextDeliveries'] {
    return async (endpointKeys, known, limit): Promise<DueDelivery[]> => {
      const knownOf = Map.groupBy(known, ({ endpointKey }) => endpointKey)
      const wanted = endpointKeys.map((key) => ({
        endpoint_key: key,
        known: (knownOf.get(key) ?? []).map(({ messageKey }) => messageKey),
      }))
      const rows = await readRows(db, dueColumns, statement, [JSON.stringify(wanted), clock.now(), limit])
      return rows.map((row) => ({
        endpointKey: row.endpoint_key,
        messageKey: row.message_key,
        eventId: row.event_id,
        body: Buffer.from(row.body),
        headers: row.headers,
        traceparent: row.traceparent,
        attemptCount: row.attempt_count,
        step: row.step,
        dueOn: row.due_on,
        lane: row.lane,
        manual: row.manual !== null,
      }))
    }
  }

  return { nextDeliveries: createReader(next), manualDeliveries: createReader(manual) }
}
