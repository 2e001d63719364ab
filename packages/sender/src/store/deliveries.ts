import { integer, json, nullable, readRows, text, word } from '@x/events-engine/internal'
import type { AttemptDetails } from '../deliveries/attempt-details.ts'
import type { AttemptErrorCode } from '../deliveries/attempt-error-code.ts'
import {
  DELIVERY_COLUMNS,
  deliveryColumns,
  deliveryRowOf,
  HAS_MESSAGE,
  messageJoins,
} from '../deliveries/delivery-columns.ts'
import type { AttemptRow, DeliveryKey, DeliveryRow } from '../deliveries/delivery-row.ts'
import type { Message } from '../messages/message.ts'
import type { StoreContext } from './context.ts'

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
  details: nullable(json<AttemptDetails>()),
}

const messageColumns = { body: text, headers: nullable(json<string[]>()) }

/** Larger than any number of an attempt: what `integer` holds. */
const MAX_NUMBER = 2 ** 31 - 1

/** Deliveries as people see them. */
export function deliveryStore(context: StoreContext) {
  const { db, sql, names } = context
  const find = sql.statement(`select ${DELIVERY_COLUMNS} from ${names.delivery} d
    join ${names.endpoint} e on e.key = d.endpoint_key ${messageJoins(names)}
    where ${HAS_MESSAGE} and d.endpoint_key = $1 and d.message_key = $2`)
  const message = sql.statement(`select body, headers from ${names.message} where key = $1`)
  // The only attempt of a delivery that was sent straight lies in its row.
  const attempts =
    sql.statement(`select number, started_on, duration_ms, url, signature, status, error_code, error_message,
      response_body, details
    from ${names.attempt} where endpoint_key = $1 and message_key = $2 and number < $3
    union all
    select 1, created_on, duration_ms, url, signature, last_status, null, null, response_body, null
    from ${names.delivery} where endpoint_key = $1 and message_key = $2 and 1 < $3 and url is not null
    order by number desc limit $4`)
  return {
    async findDelivery({ endpointKey, messageKey }: DeliveryKey): Promise<DeliveryRow | undefined> {
      const [row] = await readRows(db, deliveryColumns, find, [endpointKey, messageKey])
      return row && deliveryRowOf(row)
    },

    async readMessage(messageKey: number): Promise<Message> {
      const [row] = await readRows(db, messageColumns, message, [messageKey])
      return { body: row?.body ?? '', headers: row?.headers ?? null }
    },

    /** The newest first, of those with a smaller number than `before`. */
    async readAttempts(
      { endpointKey, messageKey }: DeliveryKey,
      limit: number,
      before = MAX_NUMBER,
    ): Promise<AttemptRow[]> {
      const rows = await readRows(db, attemptColumns, attempts, [endpointKey, messageKey, before, limit])
      return rows.map((row) => ({
        number: row.number,
        startedOn: row.started_on,
        durationMs: row.duration_ms,
        url: row.url,
        signature: row.signature,
        status: row.status,
        errorCode: row.error_code,
        errorMessage: row.error_message,
        responseBody: row.response_body,
        details: row.details,
      }))
    },
  }
}
