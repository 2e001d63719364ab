import { integer, nullable, readRows, text } from '@x/events-engine/internal'
import type { DeliveryState } from '../deliveries/delivery.ts'
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
  ownerValues,
  type TimesToCount,
} from './delivery-sources.ts'
import { createMessageBound, messageRangeOf } from './message-range.ts'

/** What deliveries must be. Undefined is anything. */
export interface DeliveryConditions {
  readonly states: readonly DeliveryState[] | undefined
  readonly statuses: readonly [least: number, most: number] | undefined
  readonly errorCode: string | undefined
  readonly hasFailedAttempts: boolean | undefined
  /** A type or a pattern of them, in any case. */
  readonly eventType: string | undefined
  readonly createdAfter: number | undefined
  readonly createdBefore: number | undefined
}

/** What was read of the newest deliveries of all tenants. */
export interface LatestDeliveries {
  /** Those of the owner that fit, the newest first, and the last of all that were read, if it is the owner's. */
  readonly found: readonly CandidateDelivery[]
  /** How many were read, and how many of them are the owner's. */
  readonly read: number
  readonly own: number
  /** The last that was read; undefined where there was none. */
  readonly last: (DeliveryKey & { readonly createdOn: number }) | undefined
}

/** How many deliveries fit, of those of the owner, of those that were read. */
export interface FilteredCount {
  readonly count: number
  readonly own: number
  readonly read: number
}

const latestColumns = {
  ...foundColumns,
  endpoint_id: nullable(text),
  tenant_id: nullable(integer),
  read: integer,
  own: integer,
}
const countColumns = { read: integer, own: integer, count: integer }

/**
 * The newest deliveries of all tenants, in the order of the table, where those of many endpoints lie beside each other: for tenants
 * that have a good part of them. What does not fit stays in the database.
 */
export function latestDeliveryStore(context: StoreContext) {
  const { db, sql, names } = context
  const { indexOf, isOwned, hasFailed, columns } = deliveryParts(context)
  const boundOf = createMessageBound(context)
  const whole = (parameter: string) => sql.cast(parameter, 'integer')
  const orAny = (parameter: string, type: 'integer' | 'text', condition: string) =>
    `(${sql.cast(parameter, type)} is null or ${condition})`

  const isOlder = `x.message_key >= ${whole('$4')}
    and (x.message_key, x.endpoint_key) < (${whole('$5')}, ${whole('$6')})`
  const latest = `(select x.* from ${names.delivery} x where ${isOlder}
    order by x.message_key desc, x.endpoint_key desc limit $7)`
  const fits = `d.created_on >= ${whole('$8')} and d.created_on < ${whole('$9')}
    and ${orAny('$10', 'text', sql.isListed('d.state', '$10', 'text'))}
    and ${orAny('$11', 'integer', `d.last_status between ${whole('$11')} and ${whole('$12')}`)}
    and ${orAny('$13', 'text', `d.last_error_code = ${sql.cast('$13', 'text')}`)}
    and ${orAny('$14', 'integer', `case when ${hasFailed} then 1 else 0 end = ${whole('$14')}`)}`
  // For the few that are left. Each for itself: PostgreSQL would read the whole of a table that it holds for small.
  const joins = sql.hasLateral
    ? `left join lateral (select * from ${names.message}
        where key = d.message_key and e.key is not null and ${fits} limit 1) m on true
      left join lateral (select * from ${names.syncEvent}
        where m.key is null and seq = d.event_seq and e.key is not null and ${fits} limit 1) v on true`
    : `left join ${names.message} m on m.key = d.message_key and e.key is not null
      left join ${names.syncEvent} v on m.key is null and v.seq = d.event_seq and e.key is not null`
  const hasType = orAny(
    '$15',
    'text',
    `lower(coalesce(m.event_type, v.entity_name || '.' || v.action)) like ${sql.cast('$15', 'text')} escape '!'`,
  )

  const rows = sql.statement(`select ${columns}, d.read, d.own
    from (select x.*, e.key as own_key, count(*) over () as read, count(e.key) over () as own,
        row_number() over (order by x.message_key desc, x.endpoint_key desc) as place
      from ${latest} x left join ${names.endpoint} e on e.key = x.endpoint_key and ${isOwned}) d
    left join ${names.endpoint} e on e.key = d.own_key ${joins}
    where (e.key is not null and ${fits} and ${hasType}) or d.place = d.read
    order by d.message_key desc, d.endpoint_key desc`)

  const counted = (deliveries: string, isOfType: boolean) =>
    sql.statement(`select count(*) as read, count(e.key) as own,
        coalesce(sum(case when e.key is not null and ${fits}${isOfType ? ` and ${hasType}` : ''} then 1 else 0 end), 0) as count
      from ${deliveries} d left join ${names.endpoint} e on e.key = d.endpoint_key and ${isOwned}
      ${isOfType ? joins : ''}`)
  const bothCounts = (deliveries: string) => ({
    ofAnyType: counted(deliveries, false),
    ofType: counted(deliveries, true),
  })
  const latestCounts = bothCounts(latest)
  const sourceCounts = eachSource((source) =>
    bothCounts(`(select x.* from ${names.endpoint} e cross join ${names.delivery} x${indexOf(source)}
      where ${isOwned} and x.endpoint_key = e.key and ${CONDITIONS[source]} and ${isOlder} limit $7)`),
  )

  return {
    /** Reads so many of the range. */
    async latestDeliveries(
      owner: DeliveryOwner,
      conditions: DeliveryConditions,
      { first, before, limit }: NewestRange & { readonly limit: number },
    ): Promise<LatestDeliveries> {
      const values = [...ownerValues(owner), first, before.messageKey, before.endpointKey, limit]
      const read = await readRows(db, latestColumns, rows, [...values, ...conditionValues(conditions)])
      const last = read.at(-1)
      return {
        found: read.flatMap(({ endpoint_id, tenant_id, ...row }) =>
          endpoint_id === null || tenant_id === null ? [] : [candidateOf({ ...row, endpoint_id, tenant_id })],
        ),
        read: last?.read ?? 0,
        own: last?.own ?? 0,
        last: last && {
          messageKey: last.message_key,
          endpointKey: last.endpoint_key,
          createdOn: last.created_on,
        },
      }
    },

    /** Counts those that fit among so many: the newest of all tenants, or, with a source, any of the owner's in its index. */
    async countFiltered(
      source: DeliverySource | undefined,
      owner: DeliveryOwner,
      conditions: DeliveryConditions,
      { since, until, limit }: TimesToCount,
    ): Promise<FilteredCount> {
      const { first, end } = await messageRangeOf({ since, until }, (time) => boundOf(db, time))
      const counts = source === undefined ? latestCounts : sourceCounts[source]
      const statement = conditions.eventType === undefined ? counts.ofAnyType : counts.ofType
      const values = [...ownerValues(owner), first, end, 0, limit, ...conditionValues(conditions)]
      const [row] = await readRows(db, countColumns, statement, values)
      return row ?? { count: 0, own: 0, read: 0 }
    },
  }
}

function conditionValues(conditions: DeliveryConditions) {
  const { createdAfter, createdBefore, states, statuses, errorCode, hasFailedAttempts } = conditions
  return [
    createdAfter ?? Number.MIN_SAFE_INTEGER,
    createdBefore ?? Number.MAX_SAFE_INTEGER,
    states === undefined ? null : JSON.stringify(states),
    ...(statuses ?? [null, null]),
    errorCode ?? null,
    hasFailedAttempts === undefined ? null : Number(hasFailedAttempts),
    conditions.eventType === undefined ? null : typeLike(conditions.eventType),
  ]
}

/** A pattern of event types, in any case, for `like ... escape '!'`. */
function typeLike(pattern: string): string {
  return pattern
    .toLowerCase()
    .replaceAll(/[!%_]/g, (one) => `!${one}`)
    .replaceAll('*', '%')
}
