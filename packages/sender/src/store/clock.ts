import {
  countChanges,
  integer,
  isDeadNeighbour,
  nullable,
  ownTransaction,
  type RowOf,
  readRows,
  runStatement,
  type SqlExecutor,
  text,
} from '@x/events-engine/internal'
import { LONGEST_ALERT_RETRY_MS } from '../alerts/alert-retries.ts'
import { broughtBack, MARK_EVERY_MS, type SetBackClock } from '../clock.ts'
import type { StoreContext } from './context.ts'
import { queueStatements } from './queue.ts'

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
interface CircuitTimes {
  readonly failedOn?: number
  readonly ownFaults?: number
  readonly ownFaultsSince?: number | null
  readonly toldSince?: number | null
}

const DELIVERIES_AT_ONCE = 500
const ENDPOINTS_AT_ONCE = 200
const MESSAGES_AT_ONCE = 1_000
/** So many messages in a row, the newest first, that were not stored ahead of time: the rest was not either. */
const ENOUGH_MESSAGES = 20_000

/** Stores the latest time that any process has gone by, so that one that starts finds out that the clock was set back. */
export type NoteClock = (executor: SqlExecutor, now: number) => Promise<void>

/** Creates what notes the time, where the machine's clock decides. */
export function createClockMark({ sql, names }: Pick<StoreContext, 'sql' | 'names'>): NoteClock {
  if (!sql.isLocal) return async () => {}
  const note = sql.statement(
    `update ${names.reconciliation} set clock_on = $1 where id = 1 and clock_on < $1`,
  )
  let noted = 0
  return async (executor, now) => {
    if (now >= noted && now < noted + MARK_EVERY_MS) return
    await runStatement(executor, note, [now])
    noted = now
  }
}

/**
 * Brings times back after the clock was set back. A local database has no clock of its own, and a process that compares
 * times with the machine's would wait until that has caught up.
 */
export function clockStore(context: StoreContext) {
  const { db, sql, names, nodeId } = context
  const noted = sql.statement(`select clock_on from ${names.reconciliation} where id = 1`)
  const forget = sql.statement(`update ${names.reconciliation} set clock_on = $1 where id = 1`)
  const queues =
    sql.statement(`select endpoint_key, not_before, failing_since, details, rate, leased_by, leased_until
    from ${names.queue} where endpoint_key > $1 order by endpoint_key limit ${ENDPOINTS_AT_ONCE}`)
  const pending = sql.statement(`select d.message_key, d.due_on, d.created_on, (
      select a.started_on + a.duration_ms from ${names.attempt} a
      where a.message_key = d.message_key and a.endpoint_key = d.endpoint_key order by a.number desc limit 1
    ) as attempted_on
    from ${names.delivery} d
    where d.endpoint_key = $1 and d.state = 'pending' and (d.attempt_count > 0) = $2
      and (d.due_on, d.message_key) > ($3, $4)
    order by d.due_on, d.message_key limit ${DELIVERIES_AT_ONCE}`)
  const movedDeliveries = sql.records({ message_key: 'integer', was_due_on: 'integer', due_on: 'integer' })
  const move = sql.statement(
    sql.update({
      table: names.delivery,
      alias: 'd',
      set: 'due_on = n.due_on',
      from: movedDeliveries.table('$2', 'n'),
      where:
        "d.endpoint_key = $1 and d.message_key = n.message_key and d.due_on = n.was_due_on and d.state = 'pending'",
    }),
  )
  const movedQueues = sql.records({
    endpoint_key: 'integer',
    not_before: 'integer',
    failing_since: 'integer',
    details: 'text',
    leased_until: 'integer',
    was_not_before: 'integer',
  })
  const save = sql.statement(
    sql.update({
      table: names.queue,
      alias: 'q',
      set: `not_before = n.not_before, failing_since = n.failing_since, details = n.details,
        leased_until = n.leased_until, resets = q.resets + 1`,
      from: movedQueues.table('$1', 'n'),
      where: 'q.endpoint_key = n.endpoint_key and q.not_before = n.was_not_before',
    }),
  )
  const { requeue } = queueStatements(context)
  const overlapping = [names.secret, names.apiKey].map((table) => ({
    rotated: sql.statement(`select endpoint_key, max(created_on) as rotated_on from ${table}
      group by endpoint_key having max(created_on) > $1`),
    expire:
      sql.statement(`update ${table} set created_on = case when created_on > $2 then $2 else created_on end,
        expires_on = case when expires_on >= $3 then ${sql.greatest('$2', 'expires_on - ($3 - $2)')} else expires_on end
      where endpoint_key = $1`),
  }))
  const changed = sql.statement(`update ${names.endpoint} set version = version + 1 where key = $1`)
  const dated = ['created_on', 'updated_on', 'disabled_on', 'deleted_on']
  const endpoints = sql.statement(`update ${names.endpoint}
    set ${dated.map((column) => `${column} = case when ${column} > $1 then $1 else ${column} end`).join(', ')}
    where ${dated.map((column) => `${column} > $1`).join(' or ')}`)
  // A quiet period, or the wait for another attempt, lasts no longer than the longest of its kind. What is being sent is not
  // due again for a while: nobody else is to send it, too.
  const quietMs = `(select s.quiet_seconds * 1000 from ${names.alertSettings} s where s.tenant_id = a.tenant_id)`
  const noLaterThan = (column: string, time: string) =>
    `${column} = case when ${column} > ${time} then ${time} else ${column} end`
  const alerts = sql.statement(`update ${names.alert} as a set ${noLaterThan('since', '$1')},
      ${noLaterThan('quiet_until', `$1 + coalesce(${quietMs}, 0)`)},
      ${noLaterThan('taken_until', '$1 + $2')},
      ${noLaterThan('told_on', '$1')},
      ${noLaterThan('due_on', `$1 + case when attempts = 0 then coalesce(${quietMs}, 0) else $2 end`)}
    where since > $1 or quiet_until > $1 or taken_until > $1 or told_on > $1 or due_on > $1`)
  const messageWindow =
    sql.statement(`select min(key) as first, count(*) as count, count(case when created_on > $1 then 1 end) as ahead
    from (select key, created_on from ${names.message} where key < $2 order by key desc limit ${MESSAGES_AT_ONCE}) w`)
  const datedBack = sql.statement(
    `update ${names.message} set created_on = $1 where key >= $2 and key < $3 and created_on > $1`,
  )

  async function moveDeliveries(endpointKey: number, clock: SetBackClock): Promise<void> {
    for (const tried of [0, 1]) {
      let after: readonly [number, number] = [clock.now, Number.MAX_SAFE_INTEGER]
      for (;;) {
        const rows = await readRows(db, pendingColumns, pending, [endpointKey, tried, ...after])
        const moved = rows.flatMap(({ message_key, due_on, created_on, attempted_on }) => {
          const dueOn = broughtBack(due_on, attempted_on ?? created_on, clock)
          return dueOn === due_on ? [] : [{ message_key, was_due_on: due_on, due_on: dueOn }]
        })
        if (moved.length > 0) await countChanges(db, move, [endpointKey, movedDeliveries.encode(moved)])
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
        const times = {
          not_before: pauseOf(row, clock),
          failing_since: row.failing_since && Math.min(row.failing_since, clock.now),
          details: circuitOf(row, clock),
          leased_until: leaseOf(row, clock.now + leaseMs),
        }
        const isSame = (Object.keys(times) as (keyof typeof times)[]).every(
          (name) => times[name] === row[name],
        )
        return isSame ? [] : [{ endpoint_key: row.endpoint_key, ...times, was_not_before: row.not_before }]
      })
      await ownTransaction(db, async (trx) => {
        await runStatement(trx, save, [movedQueues.encode(moved)])
        await requeue(
          trx,
          rows.map(({ endpoint_key }) => endpoint_key),
          clock.now,
        )
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

  async function moveOverlaps({ now }: SetBackClock): Promise<void> {
    for (const { rotated, expire } of overlapping) {
      const rows = await readRows(db, { endpoint_key: integer, rotated_on: integer }, rotated, [now])
      for (const { endpoint_key, rotated_on } of rows) {
        await ownTransaction(db, async (trx) => {
          await runStatement(trx, expire, [endpoint_key, now, rotated_on])
          await runStatement(trx, changed, [endpoint_key])
        })
      }
    }
  }

  /** So that retention does not keep them, and all that come after, until the clock has caught up. */
  async function dateMessagesBack({ now }: SetBackClock): Promise<void> {
    let before = Number.MAX_SAFE_INTEGER
    for (let inTime = 0; inTime < ENOUGH_MESSAGES; ) {
      const [window] = await readRows(db, windowColumns, messageWindow, [now, before])
      if (window?.first == null) return
      if (window.ahead > 0) await countChanges(db, datedBack, [now, window.first, before])
      inTime = window.ahead > 0 ? 0 : inTime + window.count
      before = window.first
      await new Promise(setImmediate)
    }
  }

  return {
    /** The latest time that a process has noted; 0 where the database's clock decides. */
    async latestNoted(): Promise<number> {
      if (!sql.isLocal) return 0
      const [row] = await readRows(db, { clock_on: integer }, noted)
      return row?.clock_on ?? 0
    },

    /**
     * Brings back what is due at a time that lies further ahead than it was meant to: deliveries, pauses,
     * leases, overlapping secrets and keys. In small transactions; begun again, it goes on.
     */
    async bringTimesBack(clock: SetBackClock, leaseMs: number): Promise<void> {
      if (!sql.isLocal) return
      await moveQueue(clock, leaseMs)
      await moveOverlaps(clock)
      await countChanges(db, endpoints, [clock.now])
      await countChanges(db, alerts, [clock.now, LONGEST_ALERT_RETRY_MS])
      await dateMessagesBack(clock)
      // Last of all: one that is killed before begins anew.
      await countChanges(db, forget, [clock.now])
    },
  }
}

function timesOf({ details }: QueueRow): CircuitTimes {
  return JSON.parse(details ?? '{}') as CircuitTimes
}

/** A pause began with the latest failure; for what was our own fault, or for want of a token, nothing tells when. */
function pauseOf(row: QueueRow, clock: SetBackClock): number {
  const { failedOn = 0, ownFaults = 0 } = timesOf(row)
  const isKnown = ownFaults === 0 && row.rate === null && row.not_before >= failedOn
  return broughtBack(row.not_before, isKnown ? failedOn : clock.latest, clock)
}

function circuitOf(row: QueueRow, { now }: SetBackClock): string | null {
  if (row.details === null) return null
  const { failedOn = 0, ownFaultsSince = null, toldSince = null } = timesOf(row)
  if (Math.max(failedOn, ownFaultsSince ?? 0, toldSince ?? 0) <= now) return row.details
  const times = {
    failedOn: Math.min(failedOn, now),
    ownFaultsSince: ownFaultsSince && Math.min(ownFaultsSince, now),
    toldSince: toldSince && Math.min(toldSince, now),
  }
  return JSON.stringify({ ...(JSON.parse(row.details) as object), ...times })
}
