import { flag, integer, nullable, type RowOf, text, word } from '@x/events-engine/internal'
import type { TableNames } from '../table-names.ts'
import type { AttemptErrorCode } from './attempt-error-code.ts'
import type { DeliveryState } from './delivery.ts'
import type { DeliveryLink, DeliveryRow } from './delivery-row.ts'

/** How the columns of a delivery's link are read. */
export const linkColumns = { sequence: nullable(integer), chain: nullable(text) }

/** The link of a delivery's row. */
export function linkOf({ sequence, chain }: RowOf<typeof linkColumns>): DeliveryLink | null {
  return sequence === null || chain === null ? null : { sequence, chain }
}

/** How a delivery's columns are read. */
export const deliveryColumns = {
  endpoint_key: integer,
  message_key: integer,
  endpoint_id: text,
  tenant_id: integer,
  event_id: text,
  event_type: text,
  state: word<DeliveryState>(),
  attempt_count: integer,
  due_on: nullable(integer),
  created_on: integer,
  finished_on: nullable(integer),
  last_status: nullable(integer),
  last_error_code: nullable(word<AttemptErrorCode>()),
  step: integer,
  ordering_key: nullable(text),
  manual: nullable(flag),
  ...linkColumns,
}

/**
 * SQL: the same, of the tables of deliveries, endpoints, messages and events, under the names `d`, `e`, `m` and `v`. A
 * delivery has a message, or an event where it was sent straight.
 */
export const DELIVERY_COLUMNS = `d.endpoint_key, d.message_key, e.id as endpoint_id, e.tenant_id,
    coalesce(m.event_id, v.id) as event_id, coalesce(m.event_type, v.entity_name || '.' || v.action) as event_type,
    d.state, d.attempt_count, d.due_on, d.created_on, d.finished_on, d.last_status, d.last_error_code,
    d.step, d.ordering_key, d.manual, d.sequence, d.chain`

/** As the rest of the package has it. */
export function deliveryRowOf(row: RowOf<typeof deliveryColumns>): DeliveryRow {
  return {
    endpointKey: row.endpoint_key,
    messageKey: row.message_key,
    endpointId: row.endpoint_id,
    tenantId: row.tenant_id,
    eventId: row.event_id,
    eventType: row.event_type,
    state: row.state,
    attemptCount: row.attempt_count,
    dueOn: row.due_on,
    createdOn: row.created_on,
    finishedOn: row.finished_on,
    lastStatus: row.last_status,
    lastErrorCode: row.last_error_code,
    step: row.step,
    orderingKey: row.ordering_key,
    manual: row.manual === true,
    link: linkOf(row),
  }
}

/** SQL: joins the message of a delivery `d`, or the event that it was sent straight from; one of them is there. */
export function messageJoins(names: TableNames): string {
  return `left join ${names.message} m on m.key = d.message_key
    left join ${names.syncEvent} v on m.key is null and v.seq = d.event_seq`
}

/** SQL: the type of the event of a delivery. */
export function eventTypeOfDelivery(names: TableNames, delivery: string): string {
  return `coalesce((select event_type from ${names.message} where key = ${delivery}.message_key),
    (select entity_name || '.' || action from ${names.syncEvent} where seq = ${delivery}.event_seq))`
}

/** SQL: that a delivery's message can be made, by {@link messageJoins}. */
export const HAS_MESSAGE = 'coalesce(m.key, v.seq) is not null'
