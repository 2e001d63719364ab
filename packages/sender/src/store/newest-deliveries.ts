import { integer, nullable, readRows, type SqlExecutor } from '@x/events-engine/internal'
import { messageJoins } from '../deliveries/delivery-columns.ts'
import type { DeliveryKey } from '../deliveries/delivery-row.ts'
import type { StoreContext } from './context.ts'
import {
  type CandidateDelivery,
  CONDITIONS,
  candidateOf,
  type DeliveryOwner,
  type DeliverySource,
  deliveryParts,
  eachSource,
  foundColumns,
  type NewestRange,
  newestFirst,
  ownerValues,
  type TimesToCount,
} from './delivery-sources.ts'
import { createMessageBound, type MessageRange, messageRangeOf } from './message-range.ts'

/** Messages from the first to the last. */
export interface MessagesToRead {
  readonly first: number
  readonly last: number
}

/** Deliveries of an endpoint, of messages after one, up to another. */
export interface DeliveriesOfEndpoint {
  readonly endpointKey: number
  readonly after: number
  readonly upto: number
  readonly limit: number
}

/** The newest delivery of an endpoint in a range. */
export interface NewestOfEndpoint extends DeliveryKey {
  readonly source: DeliverySource
}

/** So many pending deliveries are sorted; among more, some are soon found among the newest of all. */
const FEW_PENDING = 2_000
/** As many endpoints as a tenant may have, by default. */
const MAX_OF_EVENT = 1_000

/**
 * The newest deliveries of a tenant. Each endpoint gives its own newest, so that a quiet one is not searched for among
 * the deliveries of a busy one.
 */
export function newestDeliveryStore(context: StoreContext) {
  const { db, sql, names } = context
  const { indexOf, isOwned, columns } = deliveryParts(context)
  const boundOf = createMessageBound(context)
  const inRange = (...parameters: readonly [first: string, message: string, endpoint: string]) => {
    const [first, message, endpoint] = parameters.map((one) => sql.cast(one, 'integer'))
    return `x.message_key >= ${first}
      and x.message_key <= case when e.key < ${endpoint} then ${message} else ${message} - 1 end`
  }

  const newestOf = (source: DeliverySource) => {
    const newest = `(select x.message_key from ${names.delivery} x${indexOf(source)}
      where x.endpoint_key = e.key and ${CONDITIONS[source]} and ${inRange('$4', '$5', '$6')}
      order by x.message_key desc limit 1)`
    // PostgreSQL would look for a value that is selected and compared twice.
    const from = sql.hasLateral
      ? `select e.key as endpoint_key, k.message_key from ${names.endpoint} e cross join lateral ${newest} k where ${isOwned}`
      : `select e.key as endpoint_key, ${newest} as message_key from ${names.endpoint} e where ${isOwned}`
    return sql.statement(`select endpoint_key, message_key from (${from}) newest
      where message_key is not null order by message_key desc, endpoint_key desc limit $7`)
  }
  const endpoints = sql.records({ key: 'integer' })
  // Keys alone first: the index has them, in their order.
  const keysOf = (source: DeliverySource) => `(select x.message_key from ${names.delivery} x${indexOf(source)}
    where x.endpoint_key = e.key and ${CONDITIONS[source]} and ${inRange('$2', '$3', '$4')}
    order by x.message_key desc limit $5)`
  const joined = (source: DeliverySource) =>
    sql.hasLateral
      ? `cross join lateral ${keysOf(source)} k
        join ${names.delivery} d on d.message_key = k.message_key and d.endpoint_key = e.key`
      : `cross join ${names.delivery} d on d.endpoint_key = e.key and d.message_key in ${keysOf(source)}`
  const rowsOf = (source: DeliverySource) =>
    sql.statement(`select ${columns}
      from ${endpoints.table('$1', 'r')} cross join ${names.endpoint} e ${joined(source)} ${messageJoins(names)}
      where e.key = r.key order by d.message_key desc, d.endpoint_key desc`)
  const newest = eachSource(newestOf)
  const rows = eachSource(rowsOf)

  // Of one endpoint, the oldest first.
  const oldestOf = (source: DeliverySource) =>
    sql.statement(`select ${columns}
      from (select x.message_key from ${names.delivery} x${indexOf(source)}
        where x.endpoint_key = $1 and ${CONDITIONS[source]} and x.message_key > $2 and x.message_key <= $3
        order by x.message_key limit $4) k
      cross join ${names.delivery} d cross join ${names.endpoint} e ${messageJoins(names)}
      where d.message_key = k.message_key and d.endpoint_key = $1 and e.key = $1
      order by d.message_key`)
  const isBetween = 'x.message_key >= $4 and x.message_key <= $5'
  const countOf = (source: DeliverySource) =>
    sql.statement(`select count(*) as count from ${names.endpoint} e
      cross join ${names.delivery} x${indexOf(source)}
      where ${isOwned} and x.endpoint_key = e.key and ${CONDITIONS[source]} and ${isBetween}`)
  const nextOf = (source: DeliverySource) =>
    sql.statement(`select e.key from ${names.endpoint} e
      where ${isOwned} and e.key > $6 and exists (select 1 from ${names.delivery} x${indexOf(source)}
        where x.endpoint_key = e.key and ${CONDITIONS[source]} and ${isBetween})
      order by e.key limit 1`)
  const oldest = eachSource(oldestOf)
  const counts = eachSource(countOf)
  const isOfTime = `x.created_on >= ${sql.cast('$6', 'integer')} and x.created_on < ${sql.cast('$7', 'integer')}`
  const countSome = (source: DeliverySource) =>
    sql.statement(`select count(*) as count from (
      select 1 from ${names.endpoint} e cross join ${names.delivery} x${indexOf(source)}
      where ${isOwned} and x.endpoint_key = e.key and ${CONDITIONS[source]} and ${isBetween} and ${isOfTime}
      limit $8) counted`)
  const someCounts = eachSource(countSome)

  const nexts = eachSource(nextOf)
  const lastKey = sql.statement(`select max(message_key) as last from ${names.delivery}`)

  const countPending = sql.statement(`select count(*) as count from (
    select 1 from ${names.endpoint} e cross join ${names.delivery} x${indexOf('pending')}
    where x.endpoint_key = e.key and ${isOwned} and x.state = 'pending' limit ${FEW_PENDING + 1}) counted`)

  const messagesOfEvent = sql.statement(`select key from ${names.message} where event_id = $1`)
  const ofMessages = `${sql.isListed('d.message_key', '$4')}`
  const ofEvents = `${sql.isListed('d.event_seq', '$4')} and d.event_seq is not null`
  const ofEventWhere = (condition: string) =>
    sql.statement(`select ${columns} from ${names.delivery} d
      cross join ${names.endpoint} e ${messageJoins(names)}
      where ${condition} and e.key = d.endpoint_key and ${isOwned}
      order by d.message_key desc, d.endpoint_key desc limit ${MAX_OF_EVENT}`)
  const byMessage = ofEventWhere(ofMessages)
  const bySequence = ofEventWhere(ofEvents)
  const findSequence = createEventSearch(context)

  return {
    /** Between which messages those of a time lie, about. */
    messageRange: (times: {
      readonly since: number | undefined
      readonly until: number | undefined
    }): Promise<MessageRange> => messageRangeOf(times, (time) => boundOf(db, time)),

    /** Whether so few are pending that all of them can be read. */
    async hasFewPending(owner: DeliveryOwner): Promise<boolean> {
      const [row] = await readRows(db, { count: integer }, countPending, ownerValues(owner))
      return (row?.count ?? 0) <= FEW_PENDING
    },

    /** The newest delivery of each endpoint that has one in the range: at most so many, the newest first. */
    async newestOfEndpoints(
      source: DeliverySource,
      owner: DeliveryOwner,
      { first, before, limit }: NewestRange & { readonly limit: number },
    ): Promise<NewestOfEndpoint[]> {
      const values = [...ownerValues(owner), first, before.messageKey, before.endpointKey, limit]
      const found = await readRows(
        db,
        { endpoint_key: integer, message_key: integer },
        newest[source],
        values,
      )
      return found.map((row) => ({ source, endpointKey: row.endpoint_key, messageKey: row.message_key }))
    },

    /** The newest deliveries of endpoints in the range: at most so many of each, the newest first. */
    async newestDeliveries(
      source: DeliverySource,
      endpointKeys: readonly number[],
      { first, before, limit }: NewestRange & { readonly limit: number },
    ): Promise<CandidateDelivery[]> {
      const keys = endpoints.encode(endpointKeys.map((key) => ({ key })))
      const values = [keys, first, before.messageKey, before.endpointKey, limit]
      return (await readRows(db, foundColumns, rows[source], values)).map(candidateOf)
    },

    /** Deliveries of one endpoint, of messages after one, up to another: the oldest first. */
    async oldestDeliveries(
      executor: SqlExecutor,
      source: DeliverySource,
      { endpointKey, after, upto, limit }: DeliveriesOfEndpoint,
    ): Promise<CandidateDelivery[]> {
      const values = [endpointKey, after, upto, limit]
      return (await readRows(executor, foundColumns, oldest[source], values)).map(candidateOf)
    },

    /** The first endpoint after another that has deliveries of these messages. */
    async nextEndpoint(
      executor: SqlExecutor,
      source: DeliverySource,
      owner: DeliveryOwner,
      { first, last, after }: MessagesToRead & { readonly after: number },
    ): Promise<number | undefined> {
      const values = [...ownerValues(owner), first, last, after]
      const [row] = await readRows(executor, { key: integer }, nexts[source], values)
      return row?.key
    },

    /** How many deliveries of these messages there are. */
    async countDeliveries(
      source: DeliverySource,
      owner: DeliveryOwner,
      { first, last }: MessagesToRead,
    ): Promise<number> {
      const values = [...ownerValues(owner), first, last]
      const [row] = await readRows(db, { count: integer }, counts[source], values)
      return row?.count ?? 0
    },

    /** How many deliveries of a time there are: up to a limit. */
    async countSome(
      source: DeliverySource,
      owner: DeliveryOwner,
      { since, until, limit }: TimesToCount,
    ): Promise<number> {
      const { first, end } = await messageRangeOf({ since, until }, (time) => boundOf(db, time))
      const times = [since ?? Number.MIN_SAFE_INTEGER, until ?? Number.MAX_SAFE_INTEGER]
      const values = [...ownerValues(owner), first, end - 1, ...times, limit]
      const [row] = await readRows(db, { count: integer }, someCounts[source], values)
      return row?.count ?? 0
    },

    /** The message of the newest delivery; 0 where there is none. */
    async lastMessage(): Promise<number> {
      const [row] = await readRows(db, { last: nullable(integer) }, lastKey)
      return row?.last ?? 0
    },

    /** All deliveries of an event, the newest first. */
    async deliveriesOfEvent(owner: DeliveryOwner, eventId: string): Promise<CandidateDelivery[]> {
      const messages = await readRows(db, { key: integer }, messagesOfEvent, [eventId])
      const keys = JSON.stringify(messages.map(({ key }) => key))
      const stored = await readRows(db, foundColumns, byMessage, [...ownerValues(owner), keys])
      const sequences = await findSequence(eventId)
      const straight =
        sequences.length === 0
          ? []
          : await readRows(db, foundColumns, bySequence, [...ownerValues(owner), JSON.stringify(sequences)])
      return [...new Map([...stored, ...straight].map((row) => [deliveryKeyText(row), row])).values()]
        .map(candidateOf)
        .sort(newestFirst)
    },
  }
}

// Nodes whose clocks differ write events beside each other.
const EVENT_DISORDER_MS = 60_000

/**
 * Creates what finds an event in the log. Ids begin with their time, and ascend with the sequence but for what was raised at the
 * same time: two ends are found by halving, and what is between them is read.
 */
function createEventSearch({ db, sql, names }: StoreContext) {
  const middle = '((s.low + s.high) >> 1)'
  const probe = (column: string) => `(select ${column} from ${names.syncEvent}
    where seq >= ${middle} and seq < s.high order by seq limit 1)`
  const isBefore = `${probe('id')} < $1`
  const bound = sql.statement(`with recursive step (low, high) as (
      select coalesce((select min(seq) from ${names.syncEvent}), 0), coalesce((select max(seq) from ${names.syncEvent}), 0) + 1
      union all
      select case when ${isBefore} then ${probe('seq')} + 1 else s.low end, case when ${isBefore} then s.high else ${middle} end
      from step s where s.low < s.high
    )
    select low from step where low >= high`)
  const among = sql.statement(`select seq from ${names.syncEvent} where seq >= $1 and seq < $2 and id = $3`)

  /** @returns its sequence, where the log still has it. */
  return async (eventId: string): Promise<number[]> => {
    const time = timeOfEventId(eventId)
    if (time === undefined) return []
    const [[from], [to]] = await Promise.all(
      [time - EVENT_DISORDER_MS, time + EVENT_DISORDER_MS].map((end) =>
        readRows(db, { low: integer }, bound, [firstIdOf(end)]),
      ) as [Promise<{ low: number }[]>, Promise<{ low: number }[]>],
    )
    const found = await readRows(db, { seq: integer }, among, [from?.low ?? 0, to?.low ?? 0, eventId])
    return found.map(({ seq }) => seq)
  }
}

/** The time of an event, which stands in its id: a UUID version 7 (RFC 9562, 5.7). */
function timeOfEventId(eventId: string): number | undefined {
  const [, high = '', low = ''] = /^evt_([0-9a-f]{8})-([0-9a-f]{4})-7/.exec(eventId) ?? []
  return high === '' ? undefined : Number.parseInt(high + low, 16)
}

/** What the ids of events of a time or later are not less than. */
function firstIdOf(time: number): string {
  const hex = Math.max(0, time).toString(16).padStart(12, '0')
  return `evt_${hex.slice(0, 8)}-${hex.slice(8)}`
}

function deliveryKeyText(row: { readonly endpoint_key: number; readonly message_key: number }): string {
  return `${row.endpoint_key} ${row.message_key}`
}
