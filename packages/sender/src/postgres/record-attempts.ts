import type { Clock } from '@x/events-core'
import { flag, ownTransaction, readRows, runStatement, type SqlExecutor } from '@x/events-engine/internal'
import type { Kysely } from 'kysely'
import type { AttemptResult, EndpointState, RecordedResults } from '../deliveries/attempt-result.ts'
import type { DeliveryStore } from '../delivery-store.ts'
import { packTallies, tallyOf } from '../statistics/counters.ts'
import type { TableNames } from '../table-names.ts'
import { saveStatesStatement } from './endpoint-state.ts'
import { createQueueLock, raiseRevisionStatement } from './lock-queue.ts'
import { openLanesStatement } from './open-lanes.ts'
import { createRecordedReader } from './read-recorded.ts'
import { requeueStatement } from './requeue.ts'

/** How long a busy endpoint's row in the queue may lag behind what is recorded. */
const QUEUE_LAG_MS = 1_000
const MAX_REMEMBERED = 10_000

/**
 * Stores what came of attempts, in one transaction. A result counts only while the lease that the
 * attempt was made under is the endpoint's latest: whoever has taken it since makes the attempt again,
 * with the same message id.
 *
 * Two ways. Where all has gone well, the usual one, a single statement: it keeps the leases from changing
 * hands, and leaves the queue's rows alone, which are due too early then; whoever looks finds nothing more
 * and puts that right. In any other case, and for each endpoint once in a while, the rows are locked for good, before
 * they are asked for their epochs, and say afterwards when the endpoint is due next.
 */
export function recordStatements(
  db: Kysely<unknown>,
  names: TableNames,
  clock: Clock,
): Pick<DeliveryStore, 'recordAttempts' | 'settleQueue'> {
  const givenResults = `r as materialized (
      select * from json_to_recordset($1::text::json) as r(endpoint_key bigint, message_key bigint, epoch bigint, number integer,
        step integer, state text, was_due_on bigint, due_on bigint, started_on bigint, duration_ms bigint, url text,
        signature text, status integer, error_code text, error_message text, response_body text, counted boolean)
    )`
  // No plain condition: where few are pending by the statistics, which may be old, the planner would begin there, and
  // go through the results for each. It has to look up each result's row.
  const isOpen = `case when d.state in ('pending', 'cancelled') then true else false end`
  // When the due time was changed during the attempt, a person wants another, or when it was cancelled, none:
  // a failure leaves that be. In an ordering key, one that a person has asked for goes back to its place.
  const write = `with ${givenResults}, attempts as (
      insert into ${names.attempt} (endpoint_key, message_key, number, started_on, duration_ms,
        url, signature, status, error_code, error_message, response_body)
      select endpoint_key, message_key, number, started_on, duration_ms,
        url, signature, status, error_code, error_message, response_body from r where counted
      on conflict do nothing returning 1
    ), verdict as (
      select exists (select from attempts) or not exists (select from r where counted) as is_new
    ), tally as (
      insert into ${names.tally} (body) select $3::text from verdict where is_new and $3::text <> ''
    ), written as (
      update ${names.delivery} d set
        attempt_count = r.number,
        step = case when d.due_on = r.was_due_on then r.step else d.step end,
        state = case when r.state = 'succeeded' or (d.state = 'pending' and d.due_on = r.was_due_on) then r.state else d.state end,
        due_on = case when d.due_on is distinct from r.was_due_on then d.due_on
          when r.counted and r.state = 'pending' and d.manual and d.lane is not null then null
          else coalesce(r.due_on, d.due_on) end,
        manual = case when r.state = 'succeeded' or (r.counted and d.due_on = r.was_due_on) then null else d.manual end,
        finished_on = case when r.state = 'succeeded'
          or (d.state = 'pending' and d.due_on = r.was_due_on and r.state <> 'pending') then $2::bigint else d.finished_on end,
        last_status = r.status,
        last_error_code = r.error_code
      from r
      where d.endpoint_key = r.endpoint_key and d.message_key = r.message_key and ${isOpen}
    )
    select is_new from verdict`
  // The rows of other leases' results stay as they are, and so do all others then: none is recorded.
  const writeSuccesses = `with ${givenResults}, held as materialized (
      select q.endpoint_key, q.epoch from ${names.queue} q where q.endpoint_key = any(array(select endpoint_key from r))
      order by q.endpoint_key for key share of q
    ), verdict as materialized (
      select count(held.epoch) = count(*) as counts
      from r left join held on held.endpoint_key = r.endpoint_key and held.epoch = r.epoch
    ), attempts as (
      insert into ${names.attempt} (endpoint_key, message_key, number, started_on, duration_ms, url, signature, status,
        response_body)
      select endpoint_key, message_key, number, started_on, duration_ms, url, signature, status, response_body
      from r cross join verdict where counts
      on conflict do nothing returning 1
    ), tally as (
      insert into ${names.tally} (body) select $3::text where exists (select from attempts) and $3::text <> ''
    ), written as (
      update ${names.delivery} d set
        attempt_count = r.number,
        step = case when d.due_on = r.was_due_on then r.step else d.step end,
        state = 'succeeded',
        manual = null,
        finished_on = $2::bigint,
        last_status = r.status,
        last_error_code = null
      from r cross join verdict
      where counts and d.endpoint_key = r.endpoint_key and d.message_key = r.message_key
        and ${isOpen}
    )
    select counts from verdict`
  const disable = `update ${names.endpoint} e
    set enabled = false, disabled_on = $2, version = e.version + 1, updated_on = $2, disabled_reason = r.reason
    from (select distinct on (endpoint_key) endpoint_key, reason
      from json_to_recordset($1::text::json) as r(endpoint_key bigint, reason text) order by endpoint_key) r
    where e.enabled and e.key = r.endpoint_key`
  const lockQueue = createQueueLock(names)
  const openLanes = openLanesStatement(names)
  const saveStates = saveStatesStatement(names)
  const requeue = requeueStatement(names, 'first')
  const requeueAll = requeueStatement(names, 'all')
  const readRecorded = createRecordedReader(names)
  /** When an endpoint's row in the queue was brought up to date here. */
  const queuedAt = new Map<number, number>()
  const raiseRevision = raiseRevisionStatement(names)

  function isQueueFresh(endpointKeys: readonly number[], now: number): boolean {
    return endpointKeys.every((key) => Math.abs(now - (queuedAt.get(key) ?? 0)) < QUEUE_LAG_MS)
  }

  function rememberQueue(endpointKeys: readonly number[], now: number): void {
    if (queuedAt.size > MAX_REMEMBERED) queuedAt.clear()
    for (const key of endpointKeys) queuedAt.set(key, now)
  }

  /** @returns false when nothing was written, since one of the leases is of another epoch. */
  async function recordSuccesses(successes: readonly AttemptResult[], now: number): Promise<boolean> {
    const [row] = await readRows(db, { counts: flag }, writeSuccesses, [
      JSON.stringify(successes.map(rowOf)),
      now,
      packTallies(tallyOf(successes)),
    ])
    return row?.counts === true
  }

  /** @returns false when they had all been written before, and only the answer to that commit was lost. */
  async function writeResults(
    trx: SqlExecutor,
    held: readonly AttemptResult[],
    now: number,
  ): Promise<boolean> {
    if (held.length === 0) return false
    const rows = JSON.stringify(held.map(rowOf))
    const [row] = await readRows(trx, { is_new: flag }, write, [rows, now, packTallies(tallyOf(held))])
    return row?.is_new === true
  }

  return {
    async settleQueue(endpointKeys) {
      await ownTransaction(db, async (trx) => {
        await lockQueue(trx, endpointKeys)
        await runStatement(trx, requeueAll, [JSON.stringify(endpointKeys), clock.now()])
      })
    },

    async recordAttempts({ results, states }, tell) {
      const now = clock.now()
      const endpointKeys = [...new Set([...results, ...states].map(({ endpointKey }) => endpointKey))]
      if (states.length === 0 && results.every(isPlainSuccess) && isQueueFresh(endpointKeys, now)) {
        if (await recordSuccesses(results, now)) return
      }
      const mayDisable = results.some(({ notice }) => notice?.kind === 'disabled')
      await ownTransaction(db, async (trx) => {
        // Before the queue, as fan-out does it, so that neither waits for the other.
        if (mayDisable) await runStatement(trx, raiseRevision)
        const epochs = await lockQueue(trx, endpointKeys)
        const held = results.filter(({ endpointKey, epoch }) => epochs.get(endpointKey) === epoch)
        const isNew = await writeResults(trx, held, now)
        const lanes = lanesToOpen(held, now)
        if (lanes.length > 0) await runStatement(trx, openLanes, [JSON.stringify(lanes)])
        if (states.length > 0) await runStatement(trx, saveStates, [JSON.stringify(states.map(stateRowOf))])
        await runStatement(trx, requeue, [JSON.stringify(endpointKeys), now])
        if (!isNew || !held.some(({ notice, state }) => notice !== null || state === 'exhausted')) return
        const recorded = await readRecorded(trx, held)
        const reasons = reasonsToDisable(recorded)
        if (reasons.length > 0) await runStatement(trx, disable, [JSON.stringify(reasons), now])
        await tell(trx, recorded)
      })
      rememberQueue(endpointKeys, now)
    },
  }
}

/** Whether nothing but the delivery changes with it. */
function isPlainSuccess({ state, lane, notice, counted }: AttemptResult): boolean {
  return state === 'succeeded' && lane === null && notice === null && counted
}

function reasonsToDisable({ endpoints, notices }: RecordedResults) {
  return notices.flatMap(({ endpointKey, notice }) =>
    notice.kind === 'disabled' && endpoints.has(endpointKey)
      ? [{ endpoint_key: endpointKey, reason: notice.reason }]
      : [],
  )
}

function lanesToOpen(results: readonly AttemptResult[], now: number) {
  return results.flatMap(({ endpointKey, lane, state, manual, dueOn }) => {
    if (lane === null || (state === 'pending' && !manual)) return []
    return [{ endpoint_key: endpointKey, lane, due_on: state === 'pending' ? (dueOn ?? now) : now }]
  })
}

/** By the names of the columns. */
function rowOf(result: AttemptResult) {
  return {
    endpoint_key: result.endpointKey,
    message_key: result.messageKey,
    epoch: result.epoch,
    number: result.number,
    step: result.step,
    state: result.state,
    was_due_on: result.wasDueOn,
    due_on: result.dueOn,
    started_on: result.startedOn,
    duration_ms: result.durationMs,
    url: result.url,
    signature: result.signature,
    status: result.status,
    error_code: result.errorCode,
    error_message: result.errorMessage,
    response_body: result.responseBody,
    counted: result.counted,
  }
}

function stateRowOf({ endpointKey, epoch, resets, failingSince, notBefore, details, rate }: EndpointState) {
  return {
    endpoint_key: endpointKey,
    epoch,
    resets,
    failing_since: failingSince,
    not_before: notBefore,
    details,
    rate,
  }
}
