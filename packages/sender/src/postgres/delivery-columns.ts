import type { AttemptErrorCode, DeliveryState } from '../deliveries/delivery.ts'
import type { DeliveryRow } from '../deliveries/delivery-row.ts'
import { numberOrNull, type StoredNumber } from './stored-values.ts'

/** A delivery's columns, as PostgreSQL gives them. */
export interface StoredDelivery {
  readonly endpoint_key: StoredNumber
  readonly message_key: StoredNumber
  readonly endpoint_id: string
  readonly tenant_id: StoredNumber
  readonly event_id: string
  readonly event_type: string
  readonly state: DeliveryState
  readonly attempt_count: number
  readonly due_on: StoredNumber | null
  readonly created_on: StoredNumber
  readonly finished_on: StoredNumber | null
  readonly last_status: number | null
  readonly last_error_code: AttemptErrorCode | null
}

/** Of the tables of deliveries, endpoints and messages, under the names `d`, `e` and `m`. */
export const DELIVERY_COLUMNS = `d.endpoint_key, d.message_key, e.id as endpoint_id, e.tenant_id, m.event_id, m.event_type,
    d.state, d.attempt_count, d.due_on, d.created_on, d.finished_on, d.last_status, d.last_error_code`

/** As the rest of the package has it. */
export function deliveryRowOf(row: StoredDelivery): DeliveryRow {
  return {
    endpointKey: Number(row.endpoint_key),
    messageKey: Number(row.message_key),
    endpointId: row.endpoint_id,
    tenantId: Number(row.tenant_id),
    eventId: row.event_id,
    eventType: row.event_type,
    state: row.state,
    attemptCount: row.attempt_count,
    dueOn: numberOrNull(row.due_on),
    createdOn: Number(row.created_on),
    finishedOn: numberOrNull(row.finished_on),
    lastStatus: row.last_status,
    lastErrorCode: row.last_error_code,
  }
}
