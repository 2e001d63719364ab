import type { Clock } from '@x/events-core'
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
import type { DeliveryStore } from '../delivery-store.ts'
import { DELETED_FOR_MS, type LaneKey, type Mended, type SweptPage } from '../maintenance/repair.ts'
import type { TableNames } from '../table-names.ts'
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
  clock: Clock,
): Pick<DeliveryStore, 'takeReconciliation' | 'reconcileEndpoints' | 'reconcileLanes'> {
  // By the machine's clock: how often to look has nothing to do with the time that a test lives in.
  const take = `update ${names.reconciliation} set next_on = ? where id = 1 and (next_on <= ? or next_on > ?)`
  const firstDue = (column: string, tried: 0 | 1) => `(select ${column} from ${names.delivery}
    where endpoint_key = p.key and state = 'pending' and (attempt_count > 0) = ${tried} and due_on is not null
    order by due_on limit 1)`
  const next = (after: string) => `(select min(endpoint_key) from ${names.delivery}
    where state = 'pending' and endpoint_key > ${after})`
  const lacksMessage = (column: string) => `(${column} is not null
    and not exists (select 1 from ${names.message} m where m.key = ${column}))`
  const endpoints = `with recursive page (key) as (
      select ${next('?')}
      union all
      select ${next('page.key')} from page where page.key is not null limit ?
    )
    select p.key as endpoint_key, e.key is null or coalesce(e.deleted_on < ?, 0) as is_deleted,
      e.key is not null and e.deleted_on is null and p.first_on is not null and (q.endpoint_key is null
        or q.due_on is null or q.due_on > max(p.first_on, q.not_before)) as is_late,
      ${lacksMessage('p.untried')} or ${lacksMessage('p.tried')} as lacks_message,
      exists (select 1 from ${names.delivery} d where d.endpoint_key = p.key and d.state = 'pending'
        and d.lane is null and d.due_on is null) as has_stray
    from (select p.key, min(coalesce(first_untried, first_tried), coalesce(first_tried, first_untried)) as first_on,
        untried, tried
      from (select p.key, ${firstDue('due_on', 0)} as first_untried, ${firstDue('due_on', 1)} as first_tried,
          ${firstDue('message_key', 0)} as untried, ${firstDue('message_key', 1)} as tried
        from page p where p.key is not null) p) p
      left join ${names.endpoint} e on e.key = p.key left join ${names.queue} q on q.endpoint_key = p.key
    order by p.key`
  // Not by comparing pairs: SQLite would use the index for the first of the two only.
  const firstLane = (condition: string) => `(select min(lane) from ${names.delivery}
    where state = 'pending' and lane is not null and ${condition})`
  const nextLane = firstLane('endpoint_key = page.key and lane > page.lane')
  const nextEndpoint = `(select min(endpoint_key) from ${names.delivery}
    where state = 'pending' and lane is not null and endpoint_key > page.key)`
  const lanes = `with recursive page (key, lane) as (
      select ?, ?
      union all
      select case when ${nextLane} is null then ${nextEndpoint} else page.key end,
        coalesce(${nextLane}, ${firstLane(`endpoint_key = ${nextEndpoint}`)})
      from page where page.key is not null limit ? offset 1
    )
    select p.key as endpoint_key, p.lane, max((select count(*) from (
        select 1 from ${names.delivery} d where d.endpoint_key = p.key and d.lane = p.lane and d.state = 'pending'
          and d.due_on is not null and d.manual is null limit 2)),
        exists (select 1 from ${names.delivery} d where d.endpoint_key = p.key and d.lane = p.lane and d.state = 'pending'
          and d.due_on is not null)) as due,
      exists (select 1 from ${names.endpoint} e where e.key = p.key and e.deleted_on is null) as is_alive
    from page p where p.key is not null order by p.key, p.lane`
  // An epoch that no lease of a lost row can have had.
  const restoreQueue = `insert or ignore into ${names.queue} (endpoint_key, epoch, handed_back) values (?, ?, ?)`
  const cancelSome = `update ${names.delivery} set state = 'cancelled', finished_on = ?
    where endpoint_key = ? and message_key in (
      select message_key from ${names.delivery} where endpoint_key = ? and state = 'pending' limit ${CANCEL_AT_ONCE})`
  const cancelHeads = `update ${names.delivery} set state = 'cancelled', finished_on = ?
    where endpoint_key = ? and state = 'pending' and message_key in (
      select message_key from (
        select message_key from ${names.delivery} where endpoint_key = ? and state = 'pending' and due_on is not null
        order by due_on limit ${HEADS_AT_ONCE})
      where message_key not in (select key from ${names.message}))
    returning lane`
  const wakeStrays = `update ${names.delivery} set due_on = ?
    where endpoint_key = ? and state = 'pending' and lane is null and due_on is null`
  // One that a person has asked for is due beside the one whose turn it is.
  const inLane = `endpoint_key = ? and lane = ? and state = 'pending' and due_on is not null and manual is null`
  const calmLane = `update ${names.delivery} set due_on = null
    where ${inLane} and message_key > (select min(message_key) from ${names.delivery} where ${inLane})`
  const openLanes = openLanesStatement(names)
  const requeue = requeueStatement(names)

  function mending<TResult>(endpointKey: number, work: (trx: SqlExecutor, now: number) => Promise<TResult>) {
    const now = clock.now()
    return ownTransaction(db, async (trx) => {
      await runStatement(trx, restoreQueue, [endpointKey, now, now])
      const result = await work(trx, now)
      await runStatement(trx, requeue, [JSON.stringify([endpointKey])])
      return result
    })
  }

  function openLane(trx: SqlExecutor, { endpointKey, lane }: LaneKey, now: number): Promise<number> {
    return countChanges(trx, openLanes, [JSON.stringify([[endpointKey, lane, now]])])
  }

  async function cancelAll(endpointKey: number): Promise<number> {
    let cancelled = 0
    for (;;) {
      const some = await countChanges(db, cancelSome, [clock.now(), endpointKey, endpointKey])
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
      const strays = found.has_stray ? await countChanges(trx, wakeStrays, [now, endpointKey]) : 0
      const cancelled = found.lacks_message
        ? await readRows(trx, { lane: nullable(text) }, cancelHeads, [now, endpointKey, endpointKey])
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
    const { endpoint_key: endpointKey, lane, due, is_alive: isAlive } = found
    if (due === 1 || !isAlive) return []
    const key = { endpointKey, lane }
    const count = await mending(endpointKey, (trx, now) =>
      due === 0
        ? openLane(trx, key, now)
        : countChanges(trx, calmLane, [endpointKey, lane, endpointKey, lane]),
    )
    return [{ kind: due === 0 ? 'stuck_lane' : 'crowded_lane', ...key, count }]
  }

  return {
    async takeReconciliation(everyMs) {
      const now = Date.now()
      return (await countChanges(db, take, [now + everyMs, now, now + 2 * everyMs])) === 1
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
