import { integer, nullable, readRows, type SqlExecutor, text, word } from '@x/events-engine/support'
import type { DeliveryState } from '../deliveries/delivery.ts'
import type { BulkStore } from '../jobs/bulk-store.ts'
import type { TableNames } from '../table-names.ts'
import { createMessageBound } from './message-bound.ts'

const windowColumns = {
  message_key: integer,
  state: word<DeliveryState>(),
  created_on: integer,
  event_type: text,
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

const rangeColumns = { count: integer, first: nullable(integer), last: nullable(integer) }

// Messages of a moment may have been stored in another order than their clocks say.
const DISORDER_MS = 60_000

/** Deliveries of one endpoint, a window at a time, for what is done to many of them. */
export function windowStatements(
  db: SqlExecutor,
  names: TableNames,
): Pick<BulkStore, 'readWindow' | 'windowOf' | 'findEventsHad' | 'readMessages' | 'messagesOf'> {
  const filterOf = { exhausted: "and d.state = 'exhausted'", pending: "and d.state = 'pending'", any: '' }
  const window = (state: 'exhausted' | 'any') => `select d.message_key, d.state, d.created_on, m.event_type
    from (select d.* from ${names.delivery} d
      where d.endpoint_key = $1 and d.message_key > $2 and d.message_key <= $3 ${filterOf[state]}
      order by d.message_key limit $4) d
    join ${names.message} m on m.key = d.message_key
    order by d.message_key`
  const windows = { exhausted: window('exhausted'), any: window('any') }
  const range = (
    state: 'exhausted' | 'pending' | 'any',
  ) => `select count(*) as count, min(d.message_key) as first,
      max(d.message_key) as last
    from ${names.delivery} d where d.endpoint_key = $1 and d.message_key >= $2 and d.message_key < $3 ${filterOf[state]}`
  const ranges = { exhausted: range('exhausted'), pending: range('pending'), any: range('any') }
  const had = `select distinct m.event_id from ${names.message} m
    where m.event_id = any(array(select json_array_elements_text($1::text::json)))
      and exists (select from ${names.delivery} d where d.message_key = m.key and d.endpoint_key = $2)`
  const messages = `select key, event_id, event_type, tenant_id, site_id, created_on, variant from ${names.message}
    where key > $1 and key <= $2 order by key limit $3`
  const newest = `select max(key) as last from ${names.message}`
  const boundOf = createMessageBound(names)

  return {
    async readWindow(trx, { endpointKey, after, upto, state, limit }) {
      const rows = await readRows(trx, windowColumns, windows[state ?? 'any'], [
        endpointKey,
        after,
        upto,
        limit,
      ])
      return rows.map((row) => ({
        messageKey: row.message_key,
        state: row.state,
        createdOn: row.created_on,
        eventType: row.event_type,
      }))
    },

    async windowOf(endpointKey, state, { since, until }) {
      const first = since === undefined ? 0 : await boundOf(db, since - DISORDER_MS)
      const end = until === undefined ? Number.MAX_SAFE_INTEGER : await boundOf(db, until + DISORDER_MS)
      const [row] = await readRows(db, rangeColumns, ranges[state ?? 'any'], [endpointKey, first, end])
      return {
        count: row?.count ?? 0,
        after: (row?.first ?? 1) - 1,
        upto: row?.last ?? 0,
      }
    },

    async readMessages(trx, { after, upto, limit }) {
      const rows = await readRows(trx, messageColumns, messages, [after, upto, limit])
      return rows.map((row) => ({
        key: row.key,
        eventId: row.event_id,
        eventType: row.event_type,
        tenantId: row.tenant_id,
        siteId: row.site_id,
        createdOn: row.created_on,
        variant: row.variant,
      }))
    },

    async messagesOf({ since, until }) {
      const [row] = await readRows(db, { last: nullable(integer) }, newest)
      const end = until === undefined ? Number.MAX_SAFE_INTEGER : await boundOf(db, until + DISORDER_MS)
      const last = Math.min(row?.last ?? 0, end - 1)
      const first = since === undefined ? 1 : await boundOf(db, since - DISORDER_MS)
      return { after: Math.min(first - 1, last), last }
    },

    async findEventsHad(trx, endpointKey, eventIds) {
      const values = [JSON.stringify(eventIds), endpointKey]
      const rows = await readRows(trx ?? db, { event_id: text }, had, values)
      return rows.map((row) => row.event_id)
    },
  }
}
