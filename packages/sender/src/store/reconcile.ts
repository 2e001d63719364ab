import {
  countChanges,
  flag,
  integer,
  nullable,
  ownTransaction,
  type RowOf,
  readRows,
  runStatement,
  type SqlExecutor,
  text,
} from '@x/events-engine/internal'
import type { StoreContext } from './context.ts'
import { CANCEL_AT_ONCE, cancelSomeStatement } from './endpoints.ts'
import { queueStatements } from './queue.ts'

/**
 * What a {@link Repair} is about: an endpoint that is due later than its first delivery, or not at all; one that is deleted and
 * has pending deliveries; deliveries whose message is gone; deliveries that would never be due; an ordering key
 * in which nothing is due, so that it stands still; one in which more than one delivery is due, so that order is lost.
 */
export type RepairKind =
  | 'late_endpoint'
  | 'deleted_endpoint'
  | 'missing_message'
  | 'never_due'
  | 'stuck_ordering_key'
  | 'crowded_ordering_key'

/** A contradiction that was found, and repaired. */
export interface Repair {
  readonly kind: RepairKind
  readonly endpointKey: number
  readonly orderingKey?: string
  /** How many deliveries, or endpoints, it concerned; 0 where nothing was wrong any more. */
  readonly count: number
}

/** An ordering key of an endpoint. */
export interface EndpointOrderingKey {
  readonly endpointKey: number
  readonly orderingKey: string
}

/** The result of a part of a sweep. */
export interface SweptPage<TKey> {
  /** Where to go on behind; undefined at the end. */
  readonly last: TKey | undefined
  readonly repairs: readonly Repair[]
}

const foundEndpointColumns = {
  endpoint_key: integer,
  is_deleted: flag,
  is_late: flag,
  lacks_message: flag,
  has_stray: flag,
}
type FoundEndpoint = RowOf<typeof foundEndpointColumns>

const foundOrderingKeyColumns = {
  endpoint_key: integer,
  ordering_key: text,
  in_turn: integer,
  has_due: flag,
  is_alive: flag,
}
type FoundOrderingKey = RowOf<typeof foundOrderingKeyColumns>

/** A deletion of an endpoint cancels its pending deliveries afterwards, in small transactions: until then it may. */
const DELETED_FOR_MS = 60_000
const HEADS_AT_ONCE = 500

/**
 * Finds and repairs what contradicts the invariants of the other statements. It reads along indexes of what is pending,
 * so many endpoints or ordering keys at a time, never their deliveries. All that belongs together is written in one transaction,
 * so that one statement sees no half of it.
 */
export function reconcileStore(context: StoreContext) {
  const { db, sql, names, clock } = context
  const now = sql.now('$2')
  const take = sql.statement(`update ${names.reconciliation} set next_on = ${now} + $1
    where id = 1 and (next_on <= ${now} or next_on > ${now} + 2 * $1)`)
  const pendingAfter = (after: string) =>
    `(select min(endpoint_key) from ${names.delivery} where state = 'pending' and endpoint_key > ${after})`
  // Of what was never attempted, and of what was: an index has each in its order.
  const first = (column: string) => `(select ${column} from ${names.delivery} d
    where d.endpoint_key = p.key and d.state = 'pending' and (d.attempt_count > 0) = kind.tried and d.due_on is not null
    order by d.due_on, d.message_key limit 1)`
  const endpoints = sql.statement(`with recursive pending (key) as (
      select ${pendingAfter('$1')}
      union all
      select ${pendingAfter('pending.key')} from pending where pending.key is not null
    ), page as (select key from pending where key is not null limit $2),
    heads as (
      select p.key, ${first('due_on')} as due_on, ${first('message_key')} as message_key
      from page p cross join (select false as tried union all select true) kind
    ), due as (
      select h.key, min(h.due_on) as first_on, max(case when h.message_key is not null
        and not exists (select 1 from ${names.message} m where m.key = h.message_key) then 1 else 0 end) as lacks_message
      from heads h group by h.key
    )
    select due.key as endpoint_key, e.key is null or coalesce(e.deleted_on < $3, false) as is_deleted,
      e.key is not null and e.deleted_on is null and due.first_on is not null and (q.endpoint_key is null
        or q.due_on is null${sql.isLocal ? '' : ' or q.first_on is null or q.first_on > due.first_on'}
        or q.due_on > ${sql.greatest('due.first_on', 'q.not_before')}) as is_late,
      due.lacks_message,
      exists (select 1 from ${names.delivery} d where d.endpoint_key = due.key and d.state = 'pending'
        and d.ordering_key is null and d.due_on is null) as has_stray
    from due left join ${names.endpoint} e on e.key = due.key left join ${names.queue} q on q.endpoint_key = due.key
    order by due.key`)
  // Not by comparing pairs: SQLite would use the index for the first of the two only.
  const ordered = `from ${names.delivery} where state = 'pending' and ordering_key is not null`
  const nextOrderingKey = `(select min(ordering_key) ${ordered} and endpoint_key = waiting.key and ordering_key > waiting.ordering_key)`
  const nextEndpoint = `(select min(endpoint_key) ${ordered} and endpoint_key > waiting.key)`
  const firstOrderingKey = `(select min(ordering_key) ${ordered} and endpoint_key = ${nextEndpoint})`
  const inOrderingKey = `d.endpoint_key = p.key and d.ordering_key = p.ordering_key and d.state = 'pending' and d.due_on is not null`
  const orderingKeys = sql.statement(`with recursive waiting (key, ordering_key) as (
      select ${sql.cast('$1', 'integer')}, ${sql.cast('$2', 'text')}
      union all
      select case when ${nextOrderingKey} is null then ${nextEndpoint} else waiting.key end, coalesce(${nextOrderingKey}, ${firstOrderingKey})
      from waiting where waiting.key is not null
    ), page as (select key, ordering_key from waiting limit $3 offset 1)
    select p.key as endpoint_key, p.ordering_key,
      (select count(*) from (
        select 1 from ${names.delivery} d where ${inOrderingKey} and d.manual is null limit 2) due) as in_turn,
      exists (select 1 from ${names.delivery} d where ${inOrderingKey}) as has_due,
      exists (select 1 from ${names.endpoint} e where e.key = p.key and e.deleted_on is null) as is_alive
    from page p where p.key is not null order by p.key, p.ordering_key`)
  // An epoch that no lease of a lost row can have had.
  const restoreQueue = sql.statement(`insert into ${names.queue} (endpoint_key, epoch, handed_back)
    values ($1, $2, $2)${sql.upsert({ key: 'endpoint_key' })}`)
  const cancelSome = cancelSomeStatement(context)
  const cancelHeads = sql.statement(`update ${names.delivery} set state = 'cancelled', finished_on = $2
    where endpoint_key = $1 and state = 'pending' and message_key in (
      select head.message_key from (
        select d.message_key from ${names.delivery} d where d.endpoint_key = $1 and d.state = 'pending' and d.due_on is not null
        order by d.due_on limit ${HEADS_AT_ONCE}) head
      where not exists (select 1 from ${names.message} m where m.key = head.message_key))
    returning ordering_key`)
  const wakeStrays = sql.statement(`update ${names.delivery} set due_on = $2
    where endpoint_key = $1 and state = 'pending' and ordering_key is null and due_on is null`)
  // One that a person has asked for is due beside the one whose turn it is.
  const inTurn = `endpoint_key = $1 and ordering_key = $2 and state = 'pending' and due_on is not null and manual is null`
  const restoreOrder = sql.statement(`update ${names.delivery} set due_on = null
    where ${inTurn} and message_key > (select min(message_key) from ${names.delivery} where ${inTurn})`)
  const { lockQueue, openOrderingKeys, requeue } = queueStatements(context)

  function repairing<TResult>(
    endpointKey: number,
    work: (trx: SqlExecutor, at: number) => Promise<TResult>,
  ): Promise<TResult> {
    const at = clock.now()
    return ownTransaction(db, async (trx) => {
      await runStatement(trx, restoreQueue, [endpointKey, at])
      await lockQueue(trx, [endpointKey])
      const result = await work(trx, at)
      await requeue(trx, [endpointKey], at)
      return result
    })
  }

  async function cancelAll(endpointKey: number): Promise<number> {
    let cancelled = 0
    for (;;) {
      const some = await countChanges(db, cancelSome, [endpointKey, clock.now()])
      cancelled += some
      if (some < CANCEL_AT_ONCE) return cancelled
    }
  }

  async function repairEndpoint(found: FoundEndpoint): Promise<Repair[]> {
    const endpointKey = found.endpoint_key
    if (found.is_deleted)
      return [{ kind: 'deleted_endpoint', endpointKey, count: await cancelAll(endpointKey) }]
    if (!found.is_late && !found.lacks_message && !found.has_stray) return []
    return repairing(endpointKey, async (trx, at) => {
      const strays = found.has_stray ? await countChanges(trx, wakeStrays, [endpointKey, at]) : 0
      const cancelled = found.lacks_message
        ? await readRows(trx, { ordering_key: nullable(text) }, cancelHeads, [endpointKey, at])
        : []
      for (const { ordering_key: orderingKey } of cancelled) {
        if (orderingKey !== null) await openOrderingKeys(trx, [{ endpointKey, orderingKey, dueOn: at }])
      }
      return [
        { kind: 'late_endpoint', endpointKey, count: found.is_late ? 1 : 0 },
        { kind: 'missing_message', endpointKey, count: cancelled.length },
        { kind: 'never_due', endpointKey, count: strays },
      ] as const
    })
  }

  async function repairOrderingKey(found: FoundOrderingKey): Promise<Repair[]> {
    const { endpoint_key: endpointKey, ordering_key: orderingKey } = found
    const due = Math.max(found.in_turn, found.has_due ? 1 : 0)
    if (due === 1 || !found.is_alive) return []
    const count = await repairing(endpointKey, (trx, at) =>
      due === 0
        ? openOrderingKeys(trx, [{ endpointKey, orderingKey, dueOn: at }])
        : countChanges(trx, restoreOrder, [endpointKey, orderingKey]),
    )
    return [
      { kind: due === 0 ? 'stuck_ordering_key' : 'crowded_ordering_key', endpointKey, orderingKey, count },
    ]
  }

  return {
    /** @returns true for one node in each such range of time. */
    async takeReconciliation(everyMs: number): Promise<boolean> {
      // A local database's is the machine's time: how often to look has nothing to do with the time that a test lives in.
      return (await countChanges(db, take, [everyMs, Date.now()])) === 1
    },

    /** Of endpoints with something pending, behind this one. */
    async reconcileEndpoints(after: number, limit: number): Promise<SweptPage<number>> {
      const deletedBefore = clock.now() - DELETED_FOR_MS
      const found = await readRows(db, foundEndpointColumns, endpoints, [after, limit, deletedBefore])
      const repairs: Repair[] = []
      for (const one of found) repairs.push(...(await repairEndpoint(one)))
      return { last: found.at(-1)?.endpoint_key, repairs }
    },

    /** Of ordering keys with something pending, behind this one. */
    async reconcileOrderingKeys(
      after: EndpointOrderingKey,
      limit: number,
    ): Promise<SweptPage<EndpointOrderingKey>> {
      const found = await readRows(db, foundOrderingKeyColumns, orderingKeys, [
        after.endpointKey,
        after.orderingKey,
        limit,
      ])
      const repairs: Repair[] = []
      for (const one of found) repairs.push(...(await repairOrderingKey(one)))
      const last = found.at(-1)
      return { last: last && { endpointKey: last.endpoint_key, orderingKey: last.ordering_key }, repairs }
    },
  }
}
