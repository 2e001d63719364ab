import { eventTypeOf, type SyncEvent } from '@x/events-core'
import {
  eventColumns,
  eventOf,
  integer,
  ownTransaction,
  type RowOf,
  readRows,
  runStatement,
  type SqlExecutor,
  selectedColumns,
} from '@x/events-engine/internal'
import { type Message, messageOf } from '../messages/message.ts'
import { createTurns } from '../turns.ts'
import type { StoreContext } from './context.ts'

/**
 * The message of an event that is sent straight, whenever it is composed: a function of the event's row alone. A change of
 * the format has to store a version with each row; those without are of version 1.
 */
export function composeStraight(event: SyncEvent): Message {
  return messageOf({
    event,
    eventType: eventTypeOf(event),
    entity: event.data,
    format: 'standard',
    cloudEventSource: undefined,
    maxBodyBytes: Number.POSITIVE_INFINITY,
  })
}

/** SQL: whether a delivery `d` was sent straight, and its message is not stored. */
export const IS_INLINE = 'd.url is not null'

/** Bodies may be large. */
const BODIES_AT_ONCE = 25
/** So many characters are written in one statement, which holds SQLite's thread. */
const CHARACTERS_AT_ONCE = 1_000_000
/** With so many, a transaction has been long enough for others that share its connection. */
const MOST_CHARACTERS = 4_000_000

const straightColumns = { message_key: integer, created_on: integer, seq: integer, ...eventColumns }

type ComposedRow = ReturnType<typeof composedRowOf>

function composedRowOf(row: RowOf<typeof straightColumns>) {
  const event = eventOf(row)
  return {
    key: row.message_key,
    event_id: event.id,
    event_type: eventTypeOf(event),
    tenant_id: event.tenantId,
    site_id: event.siteId,
    created_on: row.created_on,
    body: composeStraight(event).body,
    traceparent: row.trace,
  }
}

/** Messages of deliveries that were sent straight, which are composed of their events again. */
export function straightMessageStore({ db, sql, names }: StoreContext) {
  const read = `select d.message_key, d.created_on, e.seq, ${selectedColumns(sql)}
    from ${names.delivery} d join ${names.syncEvent} e on e.seq = d.event_seq`
  const readOne = sql.statement(`${read} where d.message_key = $1 and ${IS_INLINE}`)
  const readMany = sql.statement(`${read} where ${sql.isListed('d.message_key', '$1')} and ${IS_INLINE}`)
  const listed = `d.endpoint_key = $1 and ${sql.isListed('d.message_key', '$2')} and ${IS_INLINE}`
  const lockListed = sql.statement(`select d.message_key from ${names.delivery} d where ${listed}
    order by d.message_key${sql.lock('for update of d')}`)
  const messages = sql.records({
    key: 'integer',
    event_id: 'text',
    event_type: 'text',
    tenant_id: 'integer',
    site_id: 'integer',
    created_on: 'integer',
    body: 'text',
    traceparent: 'text',
  })
  const messageColumns = 'key, event_id, event_type, tenant_id, site_id, created_on, body, traceparent'
  const insertMessages = sql.statement(`insert into ${names.message} (${messageColumns})${sql.keepsGivenKeys}
    select ${messageColumns} from ${messages.table('$1', 'm')}`)
  const insertAttempts =
    sql.statement(`insert into ${names.attempt} (message_key, endpoint_key, number, started_on,
      duration_ms, url, signature, status, response_body)
    select d.message_key, d.endpoint_key, 1, d.created_on, d.duration_ms, d.url, d.signature, d.last_status, d.response_body
    from ${names.delivery} d where ${listed}`)
  const clear = sql.statement(`update ${names.delivery} as d
    set duration_ms = null, url = null, signature = null, response_body = null where ${listed}`)

  async function storeIn(
    trx: SqlExecutor,
    endpointKey: number,
    messageKeys: readonly number[],
  ): Promise<number | undefined> {
    const values = [endpointKey, JSON.stringify(messageKeys)]
    const keys = (await readRows(trx, { message_key: integer }, lockListed, values)).map(
      (row) => row.message_key,
    )
    const endLongTurn = createTurns()
    let composed: ComposedRow[] = []
    let characters = 0
    let written = 0

    async function write(): Promise<void> {
      if (composed.length === 0) return
      const stored = [endpointKey, JSON.stringify(composed.map(({ key }) => key))]
      await runStatement(trx, insertMessages, [messages.encode(composed)])
      await runStatement(trx, insertAttempts, stored)
      await runStatement(trx, clear, stored)
      composed = []
      written = characters
    }

    for (let begin = 0; begin < keys.length; begin += BODIES_AT_ONCE) {
      const some = keys.slice(begin, begin + BODIES_AT_ONCE)
      if (characters >= MOST_CHARACTERS) {
        await write()
        return keys[begin - 1]
      }
      for (const row of await readRows(trx, straightColumns, readMany, [JSON.stringify(some)])) {
        const turn = endLongTurn()
        if (turn) await turn
        const one = composedRowOf(row)
        composed.push(one)
        characters += one.body.length
        if (characters - written >= CHARACTERS_AT_ONCE) await write()
      }
    }
    await write()
    return undefined
  }

  return {
    /** Composes the message of a delivery again; undefined where it was not sent straight, or has been stored since. */
    async composeStraight(messageKey: number): Promise<Message | undefined> {
      const [row] = await readRows(db, straightColumns, readOne, [messageKey])
      return row && composeStraight(eventOf(row))
    },

    /** The same of many, by the keys of their messages. */
    async composeAgain(messageKeys: readonly number[]): Promise<Map<number, Message>> {
      const rows = await readRows(db, straightColumns, readMany, [JSON.stringify(messageKeys)])
      return new Map(rows.map((row) => [row.message_key, composeStraight(eventOf(row))]))
    },

    /**
     * Stores the messages and attempts of deliveries that were sent straight: from then on they are like any other. Others
     * among the keys stay as they are.
     *
     * @returns where the messages are large, the last that was stored: those of larger keys are left for another
     * transaction. Otherwise undefined.
     */
    async storeStraight(
      executor: SqlExecutor | undefined,
      endpointKey: number,
      messageKeys: readonly number[],
    ): Promise<number | undefined> {
      if (executor) return storeIn(executor, endpointKey, messageKeys)
      // Most deliveries that a person asks for are stored: looked at first, since a transaction takes SQLite's write lock.
      const [row] = await readRows(db, straightColumns, readOne, [messageKeys[0] ?? 0])
      return row && ownTransaction(db, (trx) => storeIn(trx, endpointKey, messageKeys))
    },
  }
}
