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
} from '@x/events-engine/support'
import type { Kysely } from 'kysely'
import type { SharedClock } from '../clock.ts'
import type { DeliveryStore } from '../delivery-store.ts'
import { DELETED_FOR_MS, type LaneKey, type Mended, type SweptPage } from '../maintenance/repair.ts'
import type { TableNames } from '../table-names.ts'
import { createQueueLock } from './lock-queue.ts'
import { openLanesStatement } from './open-lanes.ts'
import { requeueStatement } from './requeue.ts'

const foundEndpointColumns = {
  endpoint_key: integer,
  is_deleted: flag,
  is_late: flag,
  lacks_message: flag,
  has_stray: flag,
}
type FoundEndpoint = RowOf<typeof foundEndpointColumns>

const foundLaneColumns = { endpoint_key: integer, lane: text, due: integer, is_alive: flag }
type FoundLane = RowOf<typeof foundLaneColumns>

const CANCEL_AT_ONCE = 5_000
const HEADS_AT_ONCE = 500

/**
 * Finds and mends what contradicts what the other statements rely on. What is looked at is read along
 * indexes of what is pending, so many endpoints or lanes at a time, never their deliveries. Everything that
 * belongs together is written in one transaction, so that one statement sees no half of it.
 */
export function reconcileStatements(
  db: Kysely<unknown>,
  names: TableNames,
  clock: SharedClock,
): Pick<DeliveryStore, 'takeReconciliation' | 'reconcileEndpoints' | 'reconcileLanes'> {
  const take = `update ${names.reconciliation} set next_on = now() + $1 * interval '1 millisecond'
    where id = 1 and (next_on <= now() or next_on > now() + $1 * interval '2 milliseconds')`
  const isPending = `d.state = 'pending'`
  const endpoints = `with recursive waiting as (
      (select d.endpoint_key from ${names.delivery} d where ${isPending} and d.endpoint_key > $1
        order by d.endpoint_key limit 1)
      union all
      select (select d.endpoint_key from ${names.delivery} d where ${isPending} and d.endpoint_key > w.endpoint_key
        order by d.endpoint_key limit 1) from waiting w where w.endpoint_key is not null
    ), page as materialized (select endpoint_key from waiting where endpoint_key is not null limit $2),
    first as materialized (
      select p.endpoint_key, min(f.due_on) as due_on, coalesce(bool_or(m.key is null), false) as lacks_message
      from page p cross join (values (false), (true)) kind (tried) cross join lateral (
        select d.due_on, d.message_key from ${names.delivery} d
        where d.endpoint_key = p.endpoint_key and ${isPending} and (d.attempt_count > 0) = kind.tried
          and d.due_on is not null
        order by d.due_on, d.message_key limit 1) f
      left join ${names.message} m on m.key = f.message_key
      group by p.endpoint_key
    )
    select p.endpoint_key, e.key is null or coalesce(e.deleted_on < $3, false) as is_deleted,
      e.deleted_on is null and first.due_on is not null and (q.endpoint_key is null or q.due_on is null
        or q.first_on is null or q.first_on > first.due_on or q.due_on > greatest(first.due_on, q.not_before)) as is_late,
      coalesce(first.lacks_message, false) as lacks_message,
      exists (select from ${names.delivery} d where d.endpoint_key = p.endpoint_key and ${isPending}
        and d.lane is null and d.due_on is null) as has_stray
    from page p left join first on first.endpoint_key = p.endpoint_key
      left join ${names.endpoint} e on e.key = p.endpoint_key left join ${names.queue} q on q.endpoint_key = p.endpoint_key
    order by p.endpoint_key`
  const lanes = `with recursive waiting as (
      (select d.endpoint_key, d.lane from ${names.delivery} d
        where ${isPending} and d.lane is not null and (d.endpoint_key, d.lane) > ($1::bigint, $2::text)
        order by d.endpoint_key, d.lane limit 1)
      union all
      select n.endpoint_key, n.lane from waiting w cross join lateral (
        select d.endpoint_key, d.lane from ${names.delivery} d
        where ${isPending} and d.lane is not null and (d.endpoint_key, d.lane) > (w.endpoint_key, w.lane)
        order by d.endpoint_key, d.lane limit 1) n
    ), page as materialized (select endpoint_key, lane from waiting limit $3)
    select p.endpoint_key, p.lane, greatest((select count(*) from (
        select from ${names.delivery} d where d.endpoint_key = p.endpoint_key and d.lane = p.lane and ${isPending}
          and d.due_on is not null and d.manual is null limit 2) due),
        (select count(*) from (
        select from ${names.delivery} d where d.endpoint_key = p.endpoint_key and d.lane = p.lane and ${isPending}
          and d.due_on is not null limit 1) due)) as due,
      exists (select from ${names.endpoint} e where e.key = p.endpoint_key and e.deleted_on is null) as is_alive
    from page p order by p.endpoint_key, p.lane`
  // An epoch that no lease of a lost row can have had.
  const restoreQueue = `insert into ${names.queue} (endpoint_key, epoch, handed_back) values ($1, $2, $2)
    on conflict do nothing`
  const cancelSome = `update ${names.delivery} set state = 'cancelled', finished_on = $2
    where endpoint_key = $1 and message_key in (
      select message_key from ${names.delivery} where endpoint_key = $1 and state = 'pending' limit ${CANCEL_AT_ONCE})`
  const cancelHeads = `update ${names.delivery} set state = 'cancelled', finished_on = $2
    where endpoint_key = $1 and state = 'pending' and message_key in (
      select head.message_key from (
        select d.message_key from ${names.delivery} d where d.endpoint_key = $1 and ${isPending} and d.due_on is not null
        order by d.due_on limit ${HEADS_AT_ONCE}) head
      where not exists (select from ${names.message} m where m.key = head.message_key))
    returning lane`
  const wakeStrays = `update ${names.delivery} set due_on = $2
    where endpoint_key = $1 and state = 'pending' and lane is null and due_on is null`
  // One that a person has asked for is due beside the one whose turn it is.
  const calmLane = `update ${names.delivery} d set due_on = null
    where d.endpoint_key = $1 and d.lane = $2 and ${isPending} and d.due_on is not null and d.manual is null
      and d.message_key > (select min(f.message_key) from ${names.delivery} f
        where f.endpoint_key = $1 and f.lane = $2 and f.state = 'pending' and f.due_on is not null and f.manual is null)`
  const openLanes = openLanesStatement(names)
  const requeue = requeueStatement(names, 'all')
  const lockQueue = createQueueLock(names)

  function mending<TResult>(endpointKey: number, work: (trx: SqlExecutor, now: number) => Promise<TResult>) {
    const now = clock.now()
    return ownTransaction(db, async (trx) => {
      await runStatement(trx, restoreQueue, [endpointKey, now])
      await lockQueue(trx, [endpointKey])
      const result = await work(trx, now)
      await runStatement(trx, requeue, [JSON.stringify([endpointKey]), now])
      return result
    })
  }

  function openLane(trx: SqlExecutor, { endpointKey, lane }: LaneKey, now: number): Promise<number> {
    return countChanges(trx, openLanes, [JSON.stringify([{ endpoint_key: endpointKey, lane, due_on: now }])])
  }

  async function cancelAll(endpointKey: number): Promise<number> {
    let cancelled = 0
    for (;;) {
      const some = await countChanges(db, cancelSome, [endpointKey, clock.now()])
      cancelled += some
      if (some < CANCEL_AT_ONCE) return cancelled
    }
  }

  async function mendEndpoint(found: FoundEndpoint): Promise<Mended[]> {
    const endpointKey = found.endpoint_key
    if (found.is_deleted)
      return [{ kind: 'deleted_endpoint', endpointKey, count: await cancelAll(endpointKey) }]
    if (!found.is_late && !found.lacks_message && !found.has_stray) return []
    return mending(endpointKey, async (trx, now) => {
      const strays = found.has_stray ? await countChanges(trx, wakeStrays, [endpointKey, now]) : 0
      const cancelled = found.lacks_message
        ? await readRows(trx, { lane: nullable(text) }, cancelHeads, [endpointKey, now])
        : []
      for (const { lane } of cancelled) {
        if (lane !== null) await openLane(trx, { endpointKey, lane }, now)
      }
      return [
        { kind: 'late_endpoint', endpointKey, count: found.is_late ? 1 : 0 },
        { kind: 'missing_message', endpointKey, count: cancelled.length },
        { kind: 'stray', endpointKey, count: strays },
      ] as const
    })
  }

  async function mendLane(found: FoundLane): Promise<Mended[]> {
    const key = { endpointKey: found.endpoint_key, lane: found.lane }
    const due = found.due
    if (due === 1 || !found.is_alive) return []
    const count = await mending(key.endpointKey, (trx, now) =>
      due === 0 ? openLane(trx, key, now) : countChanges(trx, calmLane, [key.endpointKey, key.lane]),
    )
    return [{ kind: due === 0 ? 'stuck_lane' : 'crowded_lane', ...key, count }]
  }

  return {
    async takeReconciliation(everyMs) {
      return (await countChanges(db, take, [everyMs])) === 1
    },

    async reconcileEndpoints(after, limit): Promise<SweptPage<number>> {
      const deletedBefore = clock.now() - DELETED_FOR_MS
      const found = await readRows(db, foundEndpointColumns, endpoints, [after, limit, deletedBefore])
      const mended: Mended[] = []
      for (const one of found) mended.push(...(await mendEndpoint(one)))
      return { last: found.at(-1)?.endpoint_key, mended }
    },

    async reconcileLanes(after, limit): Promise<SweptPage<LaneKey>> {
      const found = await readRows(db, foundLaneColumns, lanes, [after.endpointKey, after.lane, limit])
      const mended: Mended[] = []
      for (const one of found) mended.push(...(await mendLane(one)))
      const last = found.at(-1)
      return { last: last && { endpointKey: last.endpoint_key, lane: last.lane }, mended }
    },
  }
}
