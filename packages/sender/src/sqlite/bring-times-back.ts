import {
  countChanges,
  integer,
  isDeadNeighbour,
  nullable,
  ownTransaction,
  type RowOf,
  readRows,
  runStatement,
  text,
} from '@x/events-engine/support'
import type { Kysely } from 'kysely'
import { broughtBack, type ClockStore, type SetBackClock } from '../clock.ts'
import type { TableNames } from '../table-names.ts'
import { requeueStatement } from './requeue.ts'

const pendingColumns = {
  message_key: integer,
  due_on: integer,
  created_on: integer,
  attempted_on: nullable(integer),
}

const queueColumns = {
  endpoint_key: integer,
  not_before: integer,
  failing_since: nullable(integer),
  details: nullable(text),
  rate: nullable(text),
  leased_by: nullable(text),
  leased_until: integer,
}
type QueueRow = RowOf<typeof queueColumns>

const windowColumns = { first: nullable(integer), count: integer, ahead: integer }

/** What is stored of an endpoint's health that are times. */
interface HealthTimes {
  readonly failedOn?: number
  readonly ownFaults?: number
  readonly ownFaultsSince?: number | null
}

const DELIVERIES_AT_ONCE = 500
const ENDPOINTS_AT_ONCE = 200
const MESSAGES_AT_ONCE = 1_000
/** So many messages in a row, the newest first, that were not stored ahead of time: the rest was not either. */
const ENOUGH_MESSAGES = 20_000

/**
 * Brings times back after the clock was set back. SQLite has no clock of its own, and whoever compares times with the
 * machine's would wait until that has caught up.
 */
export function clockStatements(db: Kysely<unknown>, names: TableNames, nodeId: string): ClockStore {
  const noted = `select clock_on from ${names.reconciliation} where id = 1`
  const forget = `update ${names.reconciliation} set clock_on = ? where id = 1`
  const queues = `select endpoint_key, not_before, failing_since, details, rate, leased_by, leased_until
    from ${names.queue} where endpoint_key > ? order by endpoint_key limit ${ENDPOINTS_AT_ONCE}`
  const pending = `select d.message_key, d.due_on, d.created_on, (
      select a.started_on + a.duration_ms from ${names.attempt} a
      where a.message_key = d.message_key and a.endpoint_key = d.endpoint_key order by a.number desc limit 1
    ) as attempted_on
    from ${names.delivery} d
    where d.endpoint_key = ? and d.state = 'pending' and (d.attempt_count > 0) = ?
      and (d.due_on, d.message_key) > (?, ?)
    order by d.due_on, d.message_key limit ${DELIVERIES_AT_ONCE}`
  const move = `update ${names.delivery} as d set due_on = n.value ->> 2 from json_each(?) n
    where d.endpoint_key = ? and d.message_key = n.value ->> 0 and d.due_on = n.value ->> 1 and d.state = 'pending'`
  const save = `update ${names.queue} as q set not_before = n.value ->> 1, failing_since = n.value ->> 2,
      details = n.value ->> 3, leased_until = n.value ->> 4, resets = resets + 1
    from json_each(?) n where q.endpoint_key = n.value ->> 0 and q.not_before = n.value ->> 5`
  const requeue = requeueStatement(names)
  const rotated = `select endpoint_key, max(created_on) as rotated_on from ${names.secret}
    group by endpoint_key having max(created_on) > ?`
  const expire = `update ${names.secret} set created_on = min(created_on, ?),
      expires_on = case when expires_on >= ? then max(?, expires_on - ?) else expires_on end
    where endpoint_key = ?`
  const changed = `update ${names.endpoint} set version = version + 1 where key = ?`
  const earlier = ['created_on', 'updated_on', 'disabled_on', 'deleted_on']
    .map((column) => `${column} = min(${column}, ?)`)
    .join(', ')
  const endpoints = `update ${names.endpoint} set ${earlier}
    where max(created_on, updated_on, coalesce(disabled_on, 0), coalesce(deleted_on, 0)) > ?`
  const messageWindow = `select min(key) as first, count(*) as count, count(case when created_on > ? then 1 end) as ahead
    from (select key, created_on from ${names.message} where key < ? order by key desc limit ${MESSAGES_AT_ONCE})`
  const datedBack = `update ${names.message} set created_on = ? where key >= ? and key < ? and created_on > ?`

  async function moveDeliveries(endpointKey: number, clock: SetBackClock): Promise<void> {
    for (const tried of [0, 1]) {
      let after: readonly [number, number] = [clock.now, Number.MAX_SAFE_INTEGER]
      for (;;) {
        const rows = await readRows(db, pendingColumns, pending, [endpointKey, tried, ...after])
        const moved = rows.flatMap(({ message_key, due_on, created_on, attempted_on }) => {
          const dueOn = broughtBack(due_on, attempted_on ?? created_on, clock)
          return dueOn === due_on ? [] : [[message_key, due_on, dueOn]]
        })
        if (moved.length > 0) await countChanges(db, move, [JSON.stringify(moved), endpointKey])
        const last = rows.at(-1)
        if (!last || rows.length < DELIVERIES_AT_ONCE) break
        after = [last.due_on, last.message_key]
        await new Promise(setImmediate)
      }
    }
  }

  async function moveQueue(clock: SetBackClock, leaseMs: number): Promise<void> {
    for (let after = 0; ; ) {
      const rows = await readRows(db, queueColumns, queues, [after])
      for (const { endpoint_key } of rows) await moveDeliveries(endpoint_key, clock)
      const moved = rows.flatMap((row) => {
        const times = [
          pauseOf(row, clock),
          row.failing_since && Math.min(row.failing_since, clock.now),
          healthOf(row, clock),
          leaseOf(row, clock.now + leaseMs),
        ]
        const before = [row.not_before, row.failing_since, row.details, row.leased_until]
        const isSame = times.every((time, index) => time === before[index])
        return isSame ? [] : [[row.endpoint_key, ...times, row.not_before]]
      })
      await ownTransaction(db, async (trx) => {
        await runStatement(trx, save, [JSON.stringify(moved)])
        await runStatement(trx, requeue, [JSON.stringify(rows.map(({ endpoint_key }) => endpoint_key))])
      })
      const last = rows.at(-1)
      if (!last || rows.length < ENDPOINTS_AT_ONCE) return
      after = last.endpoint_key
      await new Promise(setImmediate)
    }
  }

  /** A holder that lives extends its lease; one that does not has no longer than a lease lasts. */
  function leaseOf({ leased_by, leased_until }: QueueRow, longest: number): number {
    if (leased_by === null || leased_by === nodeId) return leased_until
    return isDeadNeighbour(leased_by) ? 0 : Math.min(leased_until, longest)
  }

  async function moveSecrets({ now }: SetBackClock): Promise<void> {
    const rows = await readRows(db, { endpoint_key: integer, rotated_on: integer }, rotated, [now])
    for (const { endpoint_key, rotated_on } of rows) {
      await ownTransaction(db, async (trx) => {
        await runStatement(trx, expire, [now, rotated_on, now, rotated_on - now, endpoint_key])
        await runStatement(trx, changed, [endpoint_key])
      })
    }
  }

  /** So that retention does not keep them, and all that come after, until the clock has caught up. */
  async function dateMessagesBack({ now }: SetBackClock): Promise<void> {
    let before = Number.MAX_SAFE_INTEGER
    for (let inTime = 0; inTime < ENOUGH_MESSAGES; ) {
      const [window] = await readRows(db, windowColumns, messageWindow, [now, before])
      if (window?.first == null) return
      if (window.ahead > 0) await countChanges(db, datedBack, [now, window.first, before, now])
      inTime = window.ahead > 0 ? 0 : inTime + window.count
      before = window.first
      await new Promise(setImmediate)
    }
  }

  return {
    async latestNoted() {
      const [row] = await readRows(db, { clock_on: integer }, noted)
      return row?.clock_on ?? 0
    },

    async bringTimesBack(clock, leaseMs) {
      await moveQueue(clock, leaseMs)
      await moveSecrets(clock)
      await countChanges(db, endpoints, Array(5).fill(clock.now))
      await dateMessagesBack(clock)
      // Last of all: one that is killed before begins anew.
      await countChanges(db, forget, [clock.now])
    },
  }
}

function timesOf({ details }: QueueRow): HealthTimes {
  return JSON.parse(details ?? '{}') as HealthTimes
}

/** A pause began with the latest failure; for what was our own fault, or for want of a token, nothing tells when. */
function pauseOf(row: QueueRow, clock: SetBackClock): number {
  const { failedOn = 0, ownFaults = 0 } = timesOf(row)
  const isKnown = ownFaults === 0 && row.rate === null && row.not_before >= failedOn
  return broughtBack(row.not_before, isKnown ? failedOn : clock.latest, clock)
}

function healthOf(row: QueueRow, { now }: SetBackClock): string | null {
  if (row.details === null) return null
  const { failedOn = 0, ownFaultsSince = null } = timesOf(row)
  if (failedOn <= now && (ownFaultsSince ?? 0) <= now) return row.details
  const times = {
    failedOn: Math.min(failedOn, now),
    ownFaultsSince: ownFaultsSince && Math.min(ownFaultsSince, now),
  }
  return JSON.stringify({ ...(JSON.parse(row.details) as object), ...times })
}
