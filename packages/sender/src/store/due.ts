import {
  flag,
  integer,
  json,
  nullable,
  type Parameter,
  type RowOf,
  readRows,
  type SqlExecutor,
  text,
} from '@x/events-engine/internal'
import { linkColumns, linkOf } from '../deliveries/delivery-columns.ts'
import type { DeliveryKey } from '../deliveries/delivery-row.ts'
import type { DueDelivery, FoundDelivery } from '../deliveries/due-delivery.ts'
import type { StoreContext } from './context.ts'
import { type DueOrderingKey, KINDS, orderingKeyParts } from './queue.ts'

export const dueColumns = {
  endpoint_key: integer,
  message_key: integer,
  event_id: text,
  body: text,
  headers: nullable(json<string[]>()),
  traceparent: nullable(text),
  attempt_count: integer,
  step: integer,
  due_on: integer,
  ordering_key: nullable(text),
  manual: nullable(flag),
  ...linkColumns,
}

const foundColumns = { ...dueColumns, body: nullable(text), body_bytes: integer }

const KEY_SPAN = 2 ** 32
/** Larger bodies are not read with what is found, of which there may be a thousand. */
const SMALL_BODY_BYTES = 16 * 1024

/** Of which endpoints to read, and what of theirs is known. */
interface Wanted {
  readonly endpointKeys: readonly number[]
  readonly known: readonly DeliveryKey[]
}

/**
 * Reads what is due, of many endpoints in one statement, at most so many of each: of what was never
 * attempted, and of what was, so that neither hides the other. What people have asked for is read by itself. A
 * large body is left out: the caller knows for how many there is room.
 */
export function dueStore(context: StoreContext) {
  const { db, clock } = context
  const { compile, parametersOf } = context.sql.hasLateral
    ? readingLaterally(context)
    : readingByKeys(context)
  const next = compile(KINDS, '(x.attempt_count > 0) = kind.tried and x.manual is null')
  const manual = compile(undefined, 'x.manual is not null')

  function createReader(statement: ReturnType<typeof compile>) {
    return async (
      endpointKeys: readonly number[],
      known: readonly DeliveryKey[],
      limitEach: number,
    ): Promise<FoundDelivery[]> => {
      const values = [clock.now(), limitEach, ...parametersOf({ endpointKeys, known })]
      const rows = await readRows(db, foundColumns, statement, values)
      return foundDeliveriesOf(rows)
    }
  }

  return {
    /**
     * What is due of each endpoint besides what people have asked for, at most so much of what was never attempted, and as
     * much of what was; what is known already is passed over, mostly.
     */
    nextDeliveries: createReader(next),
    /** What people have asked for, of each endpoint at most so much; what is known already is passed over, mostly. */
    manualDeliveries: createReader(manual),
  }
}

/** SQL: reads deliveries, the table `x`, with what they send. */
export const openedQuery = (names: StoreContext['names']): string =>
  `select ${DELIVERY}, ${MESSAGE} from x join ${names.message} m on m.key = x.message_key`

/** Creates what makes the first delivery of each ordering key due, unless another is due in the key, and reads it. */
export function createNextOpener(context: StoreContext) {
  const { sql, names } = context
  const { openQuery, orderingKeys } = orderingKeyParts(context)
  const readOpened = openedQuery(names)
  const atOnce = sql.statement(`with x as (${openQuery} returning d.*) ${readOpened}`)
  const open = sql.statement(`${openQuery} returning endpoint_key, message_key`)
  const keys = sql.records({ endpoint_key: 'integer', message_key: 'integer' })
  const read = sql.statement(`with x as (
      select d.* from ${keys.table('$1', 'k')}
      join ${names.delivery} d on d.endpoint_key = k.endpoint_key and d.message_key = k.message_key
    ) ${readOpened}`)

  return async (trx: SqlExecutor, due: readonly DueOrderingKey[]): Promise<DueDelivery[]> => {
    if (due.length === 0) return []
    const parameters = [orderingKeys.encode(due)]
    if (sql.hasWritingQueries) return (await readRows(trx, dueColumns, atOnce, parameters)).map(dueDeliveryOf)
    const opened = await readRows(trx, openedColumns, open, parameters)
    if (opened.length === 0) return []
    return (await readRows(trx, dueColumns, read, [keys.encode(opened)])).map(dueDeliveryOf)
  }
}

const openedColumns = { endpoint_key: integer, message_key: integer }

/** Those of one message share its body. */
function foundDeliveriesOf(rows: readonly RowOf<typeof foundColumns>[]): FoundDelivery[] {
  const bodies = new Map<number, FoundDelivery['body']>()
  return rows.map((row) => {
    let body = bodies.get(row.message_key)
    if (!body) {
      body = row.body === null ? { length: row.body_bytes } : Buffer.from(row.body)
      bodies.set(row.message_key, body)
    }
    return deliveryOf(row, body)
  })
}

export function dueDeliveryOf(row: RowOf<typeof dueColumns>): DueDelivery {
  return deliveryOf(row, Buffer.from(row.body))
}

function deliveryOf<TBody>(
  row: Omit<RowOf<typeof dueColumns>, 'body'>,
  body: TBody,
): Omit<DueDelivery, 'body'> & { readonly body: TBody } {
  return {
    endpointKey: row.endpoint_key,
    messageKey: row.message_key,
    eventId: row.event_id,
    body,
    headers: row.headers,
    traceparent: row.traceparent,
    attemptCount: row.attempt_count,
    step: row.step,
    dueOn: row.due_on,
    orderingKey: row.ordering_key,
    manual: row.manual !== null,
    link: linkOf(row),
  }
}

const MESSAGE = 'm.event_id, m.body, m.headers, m.traceparent'
const foundMessage = ({ byteLength }: StoreContext['sql']) =>
  `m.event_id, case when ${byteLength('m.body')} <= ${SMALL_BODY_BYTES} then m.body end as body,
      ${byteLength('m.body')} as body_bytes, m.headers, m.traceparent`
const DELIVERY =
  'x.endpoint_key, x.message_key, x.attempt_count, x.step, x.due_on, x.ordering_key, x.manual, x.sequence, x.chain'

/**
 * Without lateral joins, a list of keys is the fastest. What is known is one number for each, since pairs are
 * slow to compare. In a table so large that it overflows, the caller finds what slipped through.
 */
function readingByKeys({ sql, names }: StoreContext) {
  return {
    compile: (kinds: string | undefined, isOfKind: string) =>
      sql.statement(`select ${DELIVERY}, ${foundMessage(sql)}
    from ${sql.list('$3', 'wanted')}${kinds === undefined ? '' : ` cross join ${kinds}`}
    cross join ${names.delivery} x on x.endpoint_key = wanted.value and x.message_key in (
      select x.message_key from ${names.delivery} x
      where x.endpoint_key = wanted.value and x.state = 'pending' and ${isOfKind} and x.due_on <= $1
        and ${sql.isNotListed(`x.endpoint_key * ${KEY_SPAN} + x.message_key`, '$4')}
      order by x.due_on, x.message_key limit $2)
    cross join ${names.message} m on m.key = x.message_key`),
    parametersOf: ({ endpointKeys, known }: Wanted): Parameter[] => [
      JSON.stringify(endpointKeys),
      JSON.stringify(known.map(({ endpointKey, messageKey }) => endpointKey * KEY_SPAN + messageKey)),
    ],
  }
}

/** Nothing below `first_on` is pending: the index entries there are what is left of those that are done. */
function readingLaterally({ sql, names }: StoreContext) {
  return {
    compile: (kinds: string | undefined, isOfKind: string) =>
      sql.statement(`with wanted as materialized (
      select w.endpoint_key, w.known, coalesce(q.first_on, 0) as first_on
      from json_to_recordset($3::text::json) as w(endpoint_key bigint, known bigint[])
      join ${names.queue} q on q.endpoint_key = w.endpoint_key
    )
    select x.*, ${foundMessage(sql)}
    from wanted w${kinds === undefined ? '' : ` cross join ${kinds}`} cross join lateral (
      select ${DELIVERY} from ${names.delivery} x
      where x.endpoint_key = w.endpoint_key and x.state = 'pending' and ${isOfKind}
        and x.due_on >= w.first_on and x.due_on <= $1
        and x.message_key <> all(w.known)
      order by x.due_on, x.message_key limit $2) x
    join ${names.message} m on m.key = x.message_key
    order by x.due_on, x.message_key`),
    parametersOf({ endpointKeys, known }: Wanted): Parameter[] {
      const knownOf = Map.groupBy(known, ({ endpointKey }) => endpointKey)
      const wanted = endpointKeys.map((key) => ({
        endpoint_key: key,
        known: (knownOf.get(key) ?? []).map(({ messageKey }) => messageKey),
      }))
      return [JSON.stringify(wanted)]
    },
  }
}
