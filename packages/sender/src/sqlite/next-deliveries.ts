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

const KEY_SPAN = 2 ** 32

/**
 * Reads what is due, of many endpoints in one statement, at most so many of each: of what was never
 * attempted, and of what was, so that neither hides the other. What people have asked for is read by itself.
 */
export function nextDeliveriesStatement(
  db: SqlExecutor,
  names: TableNames,
  clock: Clock,
): Pick<DeliveryStore, 'nextDeliveries' | 'manualDeliveries'> {
  // What is known is one number for each, since pairs are slow to compare. In a table so large that it
  // overflows, the caller finds what slipped through.
  const reading = (
    kinds: string,
    isOfKind: string,
  ) => `select d.endpoint_key, d.message_key, d.attempt_count, d.step,
      d.due_on, d.lane, d.manual, m.event_id, m.body, m.headers, m.traceparent
    from json_each(?) wanted ${kinds}
    cross join ${names.delivery} d on d.endpoint_key = wanted.value and d.message_key in (
      select message_key from ${names.delivery}
      where endpoint_key = wanted.value and state = 'pending' and ${isOfKind} and due_on <= ?
        and endpoint_key * ${KEY_SPAN} + message_key not in (select value from json_each(?))
      order by due_on, message_key limit ?)
    cross join ${names.message} m on m.key = d.message_key`
  const next = reading(
    'cross join (select 0 as tried union all select 1) kind',
    '(attempt_count > 0) = kind.tried and manual is null',
  )
  const manual = reading('', 'manual is not null')

  function createReader(statement: string): DeliveryStore['nextDeliveries'] {
    return async (endpointKeys, known, limit): Promise<DueDelivery[]> => {
      const rows = await readRows(db, dueColumns, statement, [
        JSON.stringify(endpointKeys),
        clock.now(),
        JSON.stringify(known.map(({ endpointKey, messageKey }) => endpointKey * KEY_SPAN + messageKey)),
        limit,
      ])
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
