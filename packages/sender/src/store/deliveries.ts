import { integer, json, nullable, readRows, text, word } from '@x/events-engine/internal'
import type { AttemptDetails } from '../deliveries/attempt-details.ts'
import type { AttemptErrorCode } from '../deliveries/attempt-error-code.ts'
import type { DeliveryState } from '../deliveries/delivery.ts'
import {
  DELIVERY_COLUMNS,
  deliveryColumns,
  deliveryRowOf,
  eventTypeOfDelivery,
  HAS_MESSAGE,
  messageJoins,
} from '../deliveries/delivery-columns.ts'
import type { AttemptRow, DeliveryKey, DeliveryRow } from '../deliveries/delivery-row.ts'
import type { Message } from '../messages/message.ts'
import type { StoreContext } from './context.ts'
import { createMessageBound, type DeliveryFilter, messageRangeOf } from './message-range.ts'

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

const FEW_PENDING = 2_000
/** Larger than any number of an attempt: what `integer` holds. */
const MAX_NUMBER = 2 ** 31 - 1

/** Deliveries as people see them. */
export function deliveryStore(context: StoreContext) {
  const { db, sql, names } = context
  // SQLite has no statistics of the table, and would take the index of what is pending for anything.
  const indexed = (name: string) => (sql.name === 'sqlite' ? `indexed by ${names.prefix}${name}` : '')
  const listOf = (condition: string, index = '') =>
    sql.statement(sql.hasLateral ? listLaterally(context, condition) : listByKeys(context, condition, index))
  const lists = {
    any: listOf('true'),
    pending: listOf("x.state = 'pending'"),
    succeeded: listOf("x.state = 'succeeded'"),
    exhausted: listOf("x.state = 'exhausted'", indexed('delivery_exhausted')),
    cancelled: listOf("x.state = 'cancelled'", indexed('delivery_cancelled')),
    pull: listOf("x.state = 'pull'"),
  } satisfies Record<DeliveryState | 'any', unknown>
  // SQLite: few that are pending are sorted; of many, some are soon found among the newest.
  const fewPending = listOf("x.state = 'pending'", indexed('delivery_due'))
  const ofEndpoints = 'e.tenant_id = $1 and ($2 is null or e.id = $2)'
  const countPending = sql.statement(`select count(*) as count from (
    select 1 from ${names.endpoint} e cross join ${names.delivery} x
    where x.endpoint_key = e.key and ${ofEndpoints} and x.state = 'pending' limit ${FEW_PENDING + 1}) counted`)
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
  const boundOf = createMessageBound(context)

  async function hasFewPending(tenantId: number, endpointId: string | null): Promise<boolean> {
    const [row] = await readRows(db, { count: integer }, countPending, [tenantId, endpointId])
    return (row?.count ?? 0) <= FEW_PENDING
  }

  return {
    /** The newest first. */
    async listDeliveries(filter: DeliveryFilter): Promise<DeliveryRow[]> {
      const { tenantId, endpointId = null, state, eventType = null, limit } = filter
      const range = await messageRangeOf(filter, (time) => boundOf(db, time))
      const isFew = sql.isLocal && state === 'pending' && (await hasFewPending(tenantId, endpointId))
      const statement = isFew ? fewPending : lists[state ?? 'any']
      const values = [tenantId, endpointId, eventType, ...range, limit]
      return (await readRows(db, deliveryColumns, statement, values)).map(deliveryRowOf)
    },

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

// Each endpoint of the tenant gives its own newest, so that a quiet one is not searched for among the deliveries of a busy
// one. Parameters: tenant, endpoint's id, event type, those of a message range, and the limit.

/** SQL: SQLite has no lateral joins; it reads the keys of each endpoint by a query of their own. */
function listByKeys({ names }: StoreContext, condition: string, index: string): string {
  return `with wanted (tenant_id, endpoint_id, event_type, created_after, created_before, first_message, before_message,
      before_endpoint) as (values ($1, $2, $3, $4, $5, $6, $7, $8))
    select ${DELIVERY_COLUMNS}
    from wanted w cross join ${names.endpoint} e
    cross join ${names.delivery} d on d.endpoint_key = e.key and d.message_key in (
      select x.message_key from ${names.delivery} x ${index}
      where x.endpoint_key = e.key and ${condition}
        and x.message_key >= w.first_message and x.message_key <= w.before_message
        and x.created_on >= w.created_after and x.created_on < w.created_before
        and (x.message_key < w.before_message or x.endpoint_key < w.before_endpoint)
        and (w.event_type is null or w.event_type = ${eventTypeOfDelivery(names, 'x')})
      order by x.message_key desc limit $9)
    ${messageJoins(names)}
    where ${HAS_MESSAGE} and e.tenant_id = w.tenant_id and (w.endpoint_id is null or e.id = w.endpoint_id)
    order by d.message_key desc, d.endpoint_key desc limit $9`
}

/** SQL: the same. */
function listLaterally({ sql, names }: StoreContext, condition: string): string {
  const whole = (parameter: string) => sql.cast(parameter, 'integer')
  const endpointId = sql.cast('$2', 'text')
  const eventType = sql.cast('$3', 'text')
  return `select ${DELIVERY_COLUMNS}
    from ${names.endpoint} e
    cross join lateral (
      select x.* from ${names.delivery} x
      where x.endpoint_key = e.key and ${condition}
        and x.created_on >= ${whole('$4')} and x.created_on < ${whole('$5')}
        and x.message_key >= ${whole('$6')} and x.message_key <= ${whole('$7')}
        and (x.message_key < ${whole('$7')} or x.endpoint_key < ${whole('$8')})
        and (${eventType} is null or ${eventType} = ${eventTypeOfDelivery(names, 'x')})
      order by x.message_key desc limit $9) d
    ${messageJoins(names)}
    where ${HAS_MESSAGE} and e.tenant_id = $1 and (${endpointId} is null or e.id = ${endpointId})
    order by d.message_key desc, d.endpoint_key desc limit $9`
}
