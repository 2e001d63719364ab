import { ALL_TENANTS } from '@x/events-core'
import {
  integer,
  json,
  nullable,
  type RowOf,
  readRows,
  type SqlExecutor,
  text,
  word,
} from '@x/events-engine/internal'
import type { DeliveryState } from '../deliveries/delivery.ts'
import { eventTypeOfDelivery } from '../deliveries/delivery-columns.ts'
import type { Message } from '../messages/message.ts'
import type { StoreContext } from './context.ts'
import { createMessageBound } from './message-range.ts'

/** Which deliveries of an endpoint to read: of messages after one, up to another. */
export interface DeliveryWindow {
  readonly endpointKey: number
  readonly after: number
  readonly upto: number
  readonly state: 'exhausted' | undefined
  readonly limit: number
}

/** What decides whether something is done to a delivery. */
export interface WindowedDelivery {
  readonly messageKey: number
  readonly state: DeliveryState
  readonly createdOn: number
  /** Empty for what was sent straight from the log. */
  readonly eventId: string
  readonly eventType: string
}

/** A message that may be given to one more endpoint. */
export interface StoredMessage {
  readonly key: number
  readonly eventId: string
  readonly eventType: string
  readonly tenantId: number
  readonly siteId: number
  readonly createdOn: number
  readonly variant: string | null
}

/** A range of time; open where a bound is missing. */
export interface TimeRange {
  readonly since?: number | undefined
  readonly until?: number | undefined
}

const deliveryColumns = {
  message_key: integer,
  state: word<DeliveryState>(),
  created_on: integer,
  event_id: nullable(text),
  event_type: nullable(text),
}

const messageColumns = {
  key: integer,
  event_id: text,
  event_type: text,
  tenant_id: integer,
  site_id: integer,
  created_on: integer,
  variant: nullable(text),
}

const bodyColumns = { key: integer, body: text, headers: nullable(json<string[]>()) }

const rangeColumns = { count: integer, first: nullable(integer), last: nullable(integer) }

// Messages of a moment may have been stored in another order than their clocks say.
const DISORDER_MS = 60_000

/** Deliveries of one endpoint, a window at a time, for what is done to many of them. */
export function windowStore(context: StoreContext) {
  const { db, sql, names } = context
  const indexOf = { exhausted: 'delivery_exhausted', pending: 'delivery_due', any: 'delivery_endpoint' }
  const indexed = (state: keyof typeof indexOf) => sql.indexedBy(`${names.prefix}${indexOf[state]}`)
  const filterOf = { exhausted: "and d.state = 'exhausted'", pending: "and d.state = 'pending'", any: '' }
  // Limited before they are joined: only then does each database read no more than it gives.
  const window = (state: 'exhausted' | 'any') =>
    sql.statement(`select d.message_key, d.state, d.created_on,
      ${eventTypeOfDelivery(names, 'd')} as event_type,
      (select m.event_id from ${names.message} m where m.key = d.message_key) as event_id
    from (select d.message_key, d.state, d.created_on, d.event_seq from ${names.delivery} d${indexed(state)}
      where d.endpoint_key = $1 and d.message_key > $2 and d.message_key <= $3 ${filterOf[state]}
      order by d.message_key limit $4) d
    order by d.message_key`)
  const windows = { exhausted: window('exhausted'), any: window('any') }
  const range = (state: keyof typeof indexOf) =>
    sql.statement(`select count(*) as count, min(d.message_key) as first, max(d.message_key) as last
    from ${names.delivery} d${indexed(state)}
    where d.endpoint_key = $1 and d.message_key >= $2 and d.message_key < $3 ${filterOf[state]}`)
  const ranges = { exhausted: range('exhausted'), pending: range('pending'), any: range('any') }
  const had = sql.statement(`select distinct m.event_id from ${names.message} m
    where ${sql.isListed('m.event_id', '$1', 'text')}
      and exists (select 1 from ${names.delivery} d where d.message_key = m.key and d.endpoint_key = $2)`)
  const messages =
    sql.statement(`select key, event_id, event_type, tenant_id, site_id, created_on, variant from ${names.message}
    where key > $1 and key <= $2 order by key limit $3`)
  const ofEvent =
    sql.statement(`select key, event_id, event_type, tenant_id, site_id, created_on, variant, body, headers
    from ${names.message} where event_id = $1 and tenant_id in ($2, ${ALL_TENANTS}) order by key limit 1`)
  const newest = sql.statement(`select max(key) as last from ${names.message}`)
  const boundOf = createMessageBound(context)

  const bodies = sql.statement(
    `select key, body, headers from ${names.message} where ${sql.isListed('key', '$1')}`,
  )

  return {
    /** Deliveries of an endpoint, the oldest first. */
    async readWindow(
      trx: SqlExecutor,
      { endpointKey, after, upto, state, limit }: DeliveryWindow,
    ): Promise<WindowedDelivery[]> {
      const values = [endpointKey, after, upto, limit]
      const rows = await readRows(trx, deliveryColumns, windows[state ?? 'any'], values)
      return rows.map((row) => ({
        messageKey: row.message_key,
        state: row.state,
        createdOn: row.created_on,
        eventId: row.event_id ?? '',
        // Of an event that was purged, nothing can be sent again.
        eventType: row.event_type ?? '',
      }))
    },

    /** How many there are of a state and time, about, and between which messages they lie. */
    async windowOf(
      endpointKey: number,
      state: 'exhausted' | 'pending' | undefined,
      { since, until }: TimeRange,
    ): Promise<{ readonly count: number; readonly after: number; readonly upto: number }> {
      const first = since === undefined ? 0 : await boundOf(db, since - DISORDER_MS)
      const end = until === undefined ? Number.MAX_SAFE_INTEGER : await boundOf(db, until + DISORDER_MS)
      const [row] = await readRows(db, rangeColumns, ranges[state ?? 'any'], [endpointKey, first, end])
      return { count: row?.count ?? 0, after: (row?.first ?? 1) - 1, upto: row?.last ?? 0 }
    },

    /** Messages of all tenants, the oldest first. */
    async readMessages(
      trx: SqlExecutor,
      { after, upto, limit }: { readonly after: number; readonly upto: number; readonly limit: number },
    ): Promise<StoredMessage[]> {
      return (await readRows(trx, messageColumns, messages, [after, upto, limit])).map(storedMessageOf)
    },

    /** The first message of an event, of a tenant or of all. */
    async findMessageOf(eventId: string, tenantId: number): Promise<(StoredMessage & Message) | undefined> {
      const columns = { ...messageColumns, ...bodyColumns }
      const [row] = await readRows(db, columns, ofEvent, [eventId, tenantId])
      return row && { ...storedMessageOf(row), body: row.body, headers: row.headers }
    },

    /** What messages say, by their keys. */
    async readBodies(trx: SqlExecutor | undefined, keys: readonly number[]): Promise<Map<number, Message>> {
      const rows = await readRows(trx ?? db, bodyColumns, bodies, [JSON.stringify(keys)])
      return new Map(rows.map(({ key, body, headers }) => [key, { body, headers }]))
    },

    /** Between which messages those of a time lie, about. */
    async messagesOf({
      since,
      until,
    }: TimeRange): Promise<{ readonly after: number; readonly last: number }> {
      const [row] = await readRows(db, { last: nullable(integer) }, newest)
      const end = until === undefined ? Number.MAX_SAFE_INTEGER : await boundOf(db, until + DISORDER_MS)
      const last = Math.min(row?.last ?? 0, end - 1)
      const first = since === undefined ? 1 : await boundOf(db, since - DISORDER_MS)
      return { after: Math.min(first - 1, last), last }
    },

    /** Which of these events an endpoint has deliveries of. */
    async findEventsHad(
      trx: SqlExecutor | undefined,
      endpointKey: number,
      eventIds: readonly string[],
    ): Promise<string[]> {
      const rows = await readRows(trx ?? db, { event_id: text }, had, [JSON.stringify(eventIds), endpointKey])
      return rows.map((row) => row.event_id)
    },
  }
}

function storedMessageOf(row: RowOf<typeof messageColumns>): StoredMessage {
  return {
    key: row.key,
    eventId: row.event_id,
    eventType: row.event_type,
    tenantId: row.tenant_id,
    siteId: row.site_id,
    createdOn: row.created_on,
    variant: row.variant,
  }
}
