import { integer, json, nullable, readRows, type SqlExecutor, text, word } from '@x/events-engine/internal'
import { type AttemptErrorCode, type DeliveryState, MAX_ATTEMPTS_SHOWN } from '../deliveries/delivery.ts'
import {
  DELIVERY_COLUMNS,
  deliveryColumns,
  deliveryRowOf,
  eventTypeOfDelivery,
  HAS_MESSAGE,
  messageJoins,
} from '../deliveries/delivery-columns.ts'
import { messageRangeOf } from '../deliveries/message-range.ts'
import type { AttemptRow, DeliveryStore } from '../delivery-store.ts'
import type { TableNames } from '../table-names.ts'
import { createMessageBound } from './message-bound.ts'

const attemptColumns = {
  number: integer,
  started_on: integer,
  duration_ms: integer,
  url: text,
  signature: text,
  status: nullable(integer),
  error_code: nullable(word<AttemptErrorCode>()),
  error_message: nullable(text),
  response_body: nullable(text),
}

const messageColumns = { body: text, headers: nullable(json<string[]>()) }

/** Deliveries as people see them. */
export function readDeliveryStatements(
  db: SqlExecutor,
  names: TableNames,
): Pick<DeliveryStore, 'listDeliveries' | 'findDelivery' | 'readMessage' | 'readAttempts'> {
  // Each endpoint of the tenant gives its own newest, so that a quiet one is not searched for among
  // the deliveries of a busy one.
  const list = (state: string) => `select ${DELIVERY_COLUMNS}
    from ${names.endpoint} e
    cross join lateral (
      select x.* from ${names.delivery} x
      where x.endpoint_key = e.key and ${state}
        and x.created_on >= $4::bigint and x.created_on < $5::bigint
        and x.message_key >= $6::bigint and x.message_key <= $7::bigint
        and (x.message_key < $7::bigint or x.endpoint_key < $8::bigint)
        and ($3::text is null or $3::text = ${eventTypeOfDelivery(names, 'x')})
      order by x.message_key desc limit $9) d
    ${messageJoins(names)}
    where ${HAS_MESSAGE} and e.tenant_id = $1 and ($2::text is null or e.id = $2::text)
    order by d.message_key desc, d.endpoint_key desc limit $9`
  const lists: Record<DeliveryState | 'any', string> = {
    any: list('true'),
    pending: list("x.state = 'pending'"),
    succeeded: list("x.state = 'succeeded'"),
    exhausted: list("x.state = 'exhausted'"),
    cancelled: list("x.state = 'cancelled'"),
  }
  const boundOf = createMessageBound(names)
  const find = `select ${DELIVERY_COLUMNS} from ${names.delivery} d
    join ${names.endpoint} e on e.key = d.endpoint_key ${messageJoins(names)}
    where ${HAS_MESSAGE} and d.endpoint_key = $1 and d.message_key = $2`
  const message = `select body, headers from ${names.message} where key = $1`
  // The only attempt of a delivery that was sent straight lies in its row.
  const attempts = `select number, started_on, duration_ms, url, signature, status, error_code, error_message,
      response_body
    from ${names.attempt} where endpoint_key = $1 and message_key = $2
    union all
    select 1, created_on, duration_ms, url, signature, last_status, null, null, response_body
    from ${names.delivery} where endpoint_key = $1 and message_key = $2 and url is not null
    order by number desc limit ${MAX_ATTEMPTS_SHOWN}`

  return {
    async listDeliveries(filter) {
      const { tenantId, endpointId, state, eventType, limit } = filter
      const rows = await readRows(db, deliveryColumns, lists[state ?? 'any'], [
        tenantId,
        endpointId ?? null,
        eventType ?? null,
        ...(await messageRangeOf(filter, (time) => boundOf(db, time))),
        limit,
      ])
      return rows.map(deliveryRowOf)
    },

    async findDelivery({ endpointKey, messageKey }) {
      const [row] = await readRows(db, deliveryColumns, find, [endpointKey, messageKey])
      return row && deliveryRowOf(row)
    },

    async readMessage(messageKey) {
      const [row] = await readRows(db, messageColumns, message, [messageKey])
      return {
        body: row?.body ?? '',
        headers: row?.headers ?? null,
      }
    },

    async readAttempts({ endpointKey, messageKey }): Promise<AttemptRow[]> {
      const rows = await readRows(db, attemptColumns, attempts, [endpointKey, messageKey])
      return rows.reverse().map((row) => ({
        number: row.number,
        startedOn: row.started_on,
        durationMs: row.duration_ms,
        url: row.url,
        signature: row.signature,
        status: row.status,
        errorCode: row.error_code,
        errorMessage: row.error_message,
        responseBody: row.response_body,
      }))
    },
  }
}
