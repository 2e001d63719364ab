import { integer, nullable, type RowOf, text, word } from '@x/events-engine/support'
import type { AttemptErrorCode, DeliveryState } from './delivery.ts'
import type { DeliveryRow } from './delivery-row.ts'

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
}

/** SQL: the same, of the tables of deliveries, endpoints and messages, under the names `d`, `e` and `m`. */
export const DELIVERY_COLUMNS = `d.endpoint_key, d.message_key, e.id as endpoint_id, e.tenant_id, m.event_id, m.event_type,
    d.state, d.attempt_count, d.due_on, d.created_on, d.finished_on, d.last_status, d.last_error_code`

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
  }
}
