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

const FEW_PENDING = 2_000

/** Deliveries as people see them. */
export function readDeliveryStatements(
  db: SqlExecutor,
  names: TableNames,
): Pick<DeliveryStore, 'listDeliveries' | 'findDelivery' | 'readMessage' | 'readAttempts'> {
  const columns = DELIVERY_COLUMNS
  // Each endpoint of the tenant gives its own newest, so that a quiet one is not searched for among
  // the deliveries of a busy one.
  const list = (state: string, index = '') => `with wanted (tenant_id, endpoint_id, event_type, created_after,
      created_before, first_message, before_message, before_endpoint) as (values (?, ?, ?, ?, ?, ?, ?, ?))
    select ${columns}
    from wanted w cross join ${names.endpoint} e
    cross join ${names.delivery} d on d.endpoint_key = e.key and d.message_key in (
      select x.message_key from ${names.delivery} x ${index}
      where x.endpoint_key = e.key and ${state}
        and x.message_key >= w.first_message and x.message_key <= w.before_message
        and x.created_on >= w.created_after and x.created_on < w.created_before
        and (x.message_key < w.before_message or x.endpoint_key < w.before_endpoint)
        and (w.event_type is null or w.event_type = ${eventTypeOfDelivery(names, 'x')})
      order by x.message_key desc limit ?)
    ${messageJoins(names)}
    where ${HAS_MESSAGE} and e.tenant_id = w.tenant_id and (w.endpoint_id is null or e.id = w.endpoint_id)
    order by d.message_key desc, d.endpoint_key desc limit ?`
  // Few that wait are sorted; of many, some are soon found among the newest.
  const fewPending = list("x.state = 'pending'", `indexed by ${names.prefix}delivery_due`)
  const countPending = `select count(*) as count from (
    select 1 from ${names.endpoint} e cross join ${names.delivery} x on x.endpoint_key = e.key
    where e.tenant_id = ? and (? is null or e.id = ?) and x.state = 'pending' limit ${FEW_PENDING + 1})`
  const boundOf = createMessageBound(names)
  const lists: Record<DeliveryState | 'any', string> = {
    any: list('true'),
    pending: list("x.state = 'pending'"),
    succeeded: list("x.state = 'succeeded'"),
    exhausted: list("x.state = 'exhausted'", `indexed by ${names.prefix}delivery_exhausted`),
    cancelled: list("x.state = 'cancelled'", `indexed by ${names.prefix}delivery_cancelled`),
  }
  const find = `select ${columns} from ${names.delivery} d
    join ${names.endpoint} e on e.key = d.endpoint_key ${messageJoins(names)}
    where ${HAS_MESSAGE} and d.endpoint_key = ? and d.message_key = ?`
  const message = `select body, headers from ${names.message} where key = ?`
  // The only attempt of a delivery that was sent straight lies in its row.
  const attempts = `select number, started_on, duration_ms, url, signature, status, error_code, error_message,
      response_body
    from ${names.attempt} where endpoint_key = ? and message_key = ?
    union all
    select 1, created_on, duration_ms, url, signature, last_status, null, null, response_body
    from ${names.delivery} where endpoint_key = ? and message_key = ? and url is not null
    order by number desc limit ${MAX_ATTEMPTS_SHOWN}`

  return {
    async listDeliveries(filter) {
      const { tenantId, endpointId = null, state, eventType = null, limit } = filter
      const range = await messageRangeOf(filter, (time) => boundOf(db, time))
      let statement = lists[state ?? 'any']
      if (state === 'pending') {
        const values = [tenantId, endpointId, endpointId]
        const [row] = await readRows(db, { count: integer }, countPending, values)
        if ((row?.count ?? 0) <= FEW_PENDING) statement = fewPending
      }
      const rows = await readRows(db, deliveryColumns, statement, [
        tenantId,
        endpointId,
        eventType,
        ...range,
        limit,
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
      const rows = await readRows(db, attemptColumns, attempts, [
        endpointKey,
        messageKey,
        endpointKey,
        messageKey,
      ])
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
