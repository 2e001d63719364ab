import {
  createRowsStatement,
  integer,
  nullable,
  readRows,
  runStatement,
  type SqlExecutor,
  text,
} from '@x/events-engine/internal'
import type { DeliveryLink } from '../deliveries/delivery-row.ts'
import { messageName } from '../messages/compose.ts'
import { createClockMark } from './clock.ts'
import type { StoreContext } from './context.ts'
import { type DueOrderingKey, enqueueQuery, queueStatements } from './queue.ts'
import { numberingStatements } from './sequence.ts'

/** Whom a message goes to, and how. */
export interface MessageTarget {
  readonly endpointKey: number
  /** Deliveries of one ordering key follow each other; null for one that is in none. */
  readonly orderingKey: string | null
  /** When its first attempt is due, if it need not wait for another delivery of its ordering key. */
  readonly dueOn: number
  /** Whether the endpoint's messages are numbered. */
  readonly isSequenced: boolean
  /** Whether it is only read: nothing is due then. */
  readonly isPull: boolean
}

/** A rendered message, and whom it goes to. */
export interface MessageToStore {
  readonly eventId: string
  readonly eventType: string
  /** The event's, by which it is decided whether an endpoint may have it later. */
  readonly tenantId: number
  readonly siteId: number
  /** The form it is in; null for the usual one. Of one event, there is one message of each. */
  readonly variant: string | null
  readonly body: string
  /** Instead of the usual content type, name and value in turn; null for the usual one. */
  readonly headers: readonly string[] | null
  /** The trace that its attempts belong to; null where there is none. */
  readonly traceparent: string | null
  readonly targets: readonly MessageTarget[]
}

/** The numbers that the targets of some messages were given; those of endpoints without a sequence have none. */
type Links = ReadonlyMap<MessageTarget, DeliveryLink>

/** What the message of a target was stored as. */
export interface StoredDelivery {
  readonly messageKey: number
  /** Null where the endpoint has no sequence. */
  readonly link: DeliveryLink | null
}

/** What messages were stored as. */
export interface StoredMessages {
  /** The keys of the messages, in their order. */
  readonly keys: readonly number[]
  readonly deliveries: ReadonlyMap<MessageTarget, StoredDelivery>
}

/** Inserts messages and deliveries, and makes the endpoints due. @returns the keys of messages, by {@link messageName}. */
type InsertMessages = (
  executor: SqlExecutor,
  messages: readonly MessageToStore[],
  links: Links,
  now: number,
) => Promise<ReadonlyMap<string, number>>

/** Messages with their deliveries, many at once. */
export function messageStore(context: StoreContext) {
  const insert = context.sql.hasWritingQueries ? createInsertAtOnce(context) : createInsertInSteps(context)
  const { openOrderingKeys } = queueStatements(context)
  const { number } = numberingStatements(context)
  const noteClock = createClockMark(context)

  return {
    /**
     * Stores messages and their deliveries. In an ordering key, one delivery at most is due at a time: the first
     * that is pending. The others are pending without a due time, until `recordAttempts` has recorded the end of the one
     * before. Messages of endpoints with a sequence get their numbers.
     */
    async storeMessages(
      executor: SqlExecutor,
      messages: readonly MessageToStore[],
      now: number,
    ): Promise<StoredMessages> {
      const links = await number(executor, messages)
      // The endpoints' rows in the queue are locked before the ordering keys are looked at: a record that ends one's delivery
      // just now is waited for.
      const keyOf = await insert(executor, messages, links, now)
      const orderingKeys = new Map<string, DueOrderingKey>()
      for (const { targets } of messages) {
        for (const { endpointKey, orderingKey, dueOn, isPull } of targets) {
          if (orderingKey === null || isPull) continue
          orderingKeys.set(`${endpointKey}:${orderingKey}`, { endpointKey, orderingKey, dueOn })
        }
      }
      await openOrderingKeys(executor, [...orderingKeys.values()])
      await noteClock(executor, now)
      const keys = messages.map(({ eventId, variant }) => keyOf.get(messageName(eventId, variant)) as number)
      const deliveries = new Map<MessageTarget, StoredDelivery>()
      messages.forEach(({ targets }, index) => {
        const messageKey = keys[index] as number
        for (const target of targets) deliveries.set(target, { messageKey, link: links.get(target) ?? null })
      })
      return { keys, deliveries }
    },
  }
}

/** Statement by statement. */
function createInsertInSteps(context: StoreContext): InsertMessages {
  const { sql, names } = context
  const { enqueue } = queueStatements(context)
  const given = {
    event_id: 'text',
    event_type: 'text',
    body: 'text',
    traceparent: 'text',
    variant: 'text',
    headers: 'text',
    tenant_id: 'integer',
    site_id: 'integer',
  } as const
  const columns = Object.keys(given).join(', ')
  const insertMessages = createRowsStatement(sql, {
    given,
    leading: 1,
    columns: { key: integer, event_id: text, variant: nullable(text) },
    write: (rows) => `insert into ${names.message} (created_on, ${columns})
      select ${sql.typed('$1', 'integer')}, ${columns} from ${rows}
      returning key, event_id, variant`,
  })
  const deliveries = sql.records({
    endpoint_key: 'integer',
    message_key: 'integer',
    ordering_key: 'text',
    state: 'text',
    due_on: 'integer',
    sequence: 'integer',
    chain: 'text',
  })
  const insertDeliveries = sql.statement(`insert into ${names.delivery}
    (endpoint_key, message_key, ordering_key, state, due_on, created_on, finished_on, sequence, chain)
    select endpoint_key, message_key, ordering_key, state, case when ordering_key is null then due_on end, $2,
      case when state = 'pull' then $2 end, sequence, chain
    from ${deliveries.table('$1', 'd')}`)

  return async (executor, messages, links, now) => {
    const rows = messages.map((message) => ({
      event_id: message.eventId,
      event_type: message.eventType,
      body: message.body,
      traceparent: message.traceparent,
      variant: message.variant,
      headers: message.headers && JSON.stringify(message.headers),
      tenant_id: message.tenantId,
      site_id: message.siteId,
    }))
    const stored = await insertMessages(executor, [now], rows)
    const keyOf = new Map(stored.map(({ key, event_id, variant }) => [messageName(event_id, variant), key]))
    const targets = messages.flatMap(({ eventId, variant, targets: of }) => {
      const messageKey = keyOf.get(messageName(eventId, variant)) as number
      return of.map((target) => ({ message_key: messageKey, ...deliveryOf(target, links) }))
    })
    await runStatement(executor, insertDeliveries, [deliveries.encode(targets), now])
    const due = new Map<number, number>()
    for (const { endpoint_key: key, due_on: dueOn } of targets) {
      if (dueOn !== null) due.set(key, Math.min(dueOn, due.get(key) ?? dueOn))
    }
    const queued = [...due].map(([endpointKey, dueOn]) => ({ endpointKey, dueOn }))
    if (queued.length > 0) await enqueue(executor, queued)
    return keyOf
  }
}

/** One round trip, which also makes the endpoints due: the row of a busy one, which is due already, is not written. */
function createInsertAtOnce({ sql, names }: StoreContext): InsertMessages {
  const insert = sql.statement(`with m as materialized (
      select * from rows from (json_to_recordset($1::text::json) as (event_id text, event_type text, body text, traceparent text,
        variant text, headers text, tenant_id bigint, site_id bigint, targets json)) with ordinality as m
    ), t as materialized (
      select m.ordinality, t.*
      from m cross join lateral json_to_recordset(m.targets) as t(endpoint_key bigint, ordering_key text, state text,
        due_on bigint, sequence bigint, chain text)
    ), due as materialized (
      select endpoint_key, min(due_on) as due_on from t where state = 'pending' group by endpoint_key
    ), kept as materialized (
      ${keepQueuedQuery({ sql, names }, 'due')}
    ), queued as (
      ${enqueueQuery({ sql, names }, 'due n', '(select count(*) from kept) < (select count(*) from due)', false)}
    ), stored as (
      insert into ${names.message} (event_id, event_type, created_on, body, traceparent, variant, headers, tenant_id, site_id)
      select event_id, event_type, $2, body, traceparent, variant, headers, tenant_id, site_id from m order by ordinality
      returning key, event_id, variant
    ), deliveries as (
      insert into ${names.delivery} (endpoint_key, message_key, ordering_key, state, due_on, created_on, finished_on,
        sequence, chain)
      select t.endpoint_key, stored.key, t.ordering_key, t.state, case when t.ordering_key is null then t.due_on end, $2,
        case when t.state = 'pull' then $2 end, t.sequence, t.chain
      from stored join m on m.event_id = stored.event_id and m.variant is not distinct from stored.variant
        join t on t.ordinality = m.ordinality
    )
    select key, event_id, variant from stored`)
  const storedColumns = { key: integer, event_id: text, variant: nullable(text) }

  return async (executor, messages, links, now) => {
    const rows = messages.map((message) => ({
      event_id: message.eventId,
      event_type: message.eventType,
      body: message.body,
      traceparent: message.traceparent,
      variant: message.variant,
      headers: message.headers,
      tenant_id: message.tenantId,
      site_id: message.siteId,
      targets: message.targets.map((target) => deliveryOf(target, links)),
    }))
    const stored = await readRows(executor, storedColumns, insert, [JSON.stringify(rows), now])
    return new Map(stored.map(({ key, event_id, variant }) => [messageName(event_id, variant), key]))
  }
}

/** A delivery, by the names of its columns. */
function deliveryOf(target: MessageTarget, links: Links) {
  const link = links.get(target)
  return {
    endpoint_key: target.endpointKey,
    ordering_key: target.orderingKey,
    state: target.isPull ? 'pull' : 'pending',
    due_on: target.isPull ? null : target.dueOn,
    sequence: link?.sequence ?? null,
    chain: link?.chain ?? null,
  }
}

/**
 * SQL, a query: keeps endpoints due that are due by a time already, which is how a busy endpoint's row is found. They
 * cannot be made due later until the transaction has ended. Shared, and nothing is written, so that a
 * record of attempts does not wait. Gives as many rows as there are endpoints, or else (one of
 * them is not due, or only later) fewer; then they have to be enqueued.
 *
 * @param due - a table of endpoint_key and due_on.
 */
function keepQueuedQuery({ sql, names }: Pick<StoreContext, 'sql' | 'names'>, due: string): string {
  const isQueued = (q: string, n: string) =>
    `${q}.due_on <= greatest(${n}.due_on, ${q}.not_before) and ${q}.first_on <= ${n}.due_on`
  // All or none: locks that were shared first would have to be made exclusive, out of the order of keys.
  return `select q.endpoint_key from ${due} n join ${names.queue} q on q.endpoint_key = n.endpoint_key
    where ${sql.limitsIdle} and ${isQueued('q', 'n')} and not exists (
      select 1 from ${due} missing where not exists (
        select 1 from ${names.queue} o where o.endpoint_key = missing.endpoint_key and ${isQueued('o', 'missing')}))
    order by q.endpoint_key for share of q`
}
