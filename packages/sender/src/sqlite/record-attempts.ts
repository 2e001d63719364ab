import type { Clock } from '@x/events-core'
import {
  countChanges,
  createRowsStatement,
  integer,
  ownTransaction,
  readRows,
  runStatement,
  type SqlExecutor,
} from '@x/events-engine/internal'
import type { Kysely } from 'kysely'
import type { AttemptResult, EndpointState, RecordedResults } from '../deliveries/attempt-result.ts'
import type { DeliveryStore } from '../delivery-store.ts'
import { packTallies, tallyOf } from '../statistics/counters.ts'
import type { NoteClock } from '../store/clock.ts'
import type { TableNames } from '../table-names.ts'
import { saveStatesStatement } from './endpoint-state.ts'
import { openLanesStatement } from './open-lanes.ts'
import { createRecordedReader } from './read-recorded.ts'
import { requeueStatement } from './requeue.ts'

/**
 * Stores what came of attempts, in one transaction. A result counts only while the lease that the
 * attempt was made under is the endpoint's latest: whoever has taken it since makes the attempt again,
 * with the same message id.
 */
export function recordStatements(
  db: Kysely<unknown>,
  names: TableNames,
  clock: Clock,
  noteClock: NoteClock,
): Pick<DeliveryStore, 'recordAttempts' | 'settleQueue'> {
  const epochs = `select endpoint_key, epoch from ${names.queue}
    where endpoint_key in (select value from json_each(?))`
  const insert = createRowsStatement(
    11,
    {},
    (
      rows,
    ) => `insert or ignore into ${names.attempt} (endpoint_key, message_key, number, started_on, duration_ms,
        url, signature, status, error_code, error_message, response_body)
      select * from ${rows} where column1 is not null`,
  )
  // When the due time was changed during the attempt, a person wants another, or when it was cancelled, none:
  // a failure leaves that be. In an ordering key, one that a person has asked for goes back to its place.
  const update = `with r as materialized (
      select value ->> 0 as endpoint_key, value ->> 1 as message_key, value ->> 2 as number, value ->> 3 as step,
        value ->> 4 as state, value ->> 5 as was_due_on, value ->> 6 as due_on, value ->> 7 as status,
        value ->> 8 as error_code, value ->> 9 as counted
      from json_each(?)
    )
    update ${names.delivery} as d set
      attempt_count = r.number,
      step = case when d.due_on = r.was_due_on then r.step else d.step end,
      state = case when r.state = 'succeeded' or (d.state = 'pending' and d.due_on = r.was_due_on) then r.state else d.state end,
      due_on = case when d.due_on is not r.was_due_on then d.due_on
        when r.counted and r.state = 'pending' and d.manual is not null and d.lane is not null then null
        else coalesce(r.due_on, d.due_on) end,
      manual = case when r.state = 'succeeded' or (r.counted and d.due_on = r.was_due_on) then null else d.manual end,
      finished_on = case when r.state = 'succeeded'
        or (d.state = 'pending' and d.due_on = r.was_due_on and r.state <> 'pending') then ? else d.finished_on end,
      last_status = r.status,
      last_error_code = r.error_code
    from r
    where d.endpoint_key = r.endpoint_key and d.message_key = r.message_key and d.state in ('pending', 'cancelled')`
  const insertTally = `insert into ${names.tally} (body) values (?)`
  const requeue = requeueStatement(names)
  const saveStates = saveStatesStatement(names)
  const disable = `update ${names.endpoint} as e
    set enabled = 0, disabled_on = ?, version = version + 1, updated_on = ?,
      disabled_reason = (select r.value ->> 1 from json_each(?) r where r.value ->> 0 = e.key limit 1)
    where e.enabled = 1 and e.key in (select r.value ->> 0 from json_each(?) r)`
  const openLanes = openLanesStatement(names)
  const readRecorded = createRecordedReader(names)
  const raiseRevision = `update ${names.revision} set value = value + 1 where id = 1`

  return {
    async settleQueue(endpointKeys) {
      await runStatement(db, requeue, [JSON.stringify(endpointKeys)])
    },

    async recordAttempts({ results, states }, tell) {
      const now = clock.now()
      const endpointKeys = JSON.stringify([...new Set(results.map(({ endpointKey }) => endpointKey))])
      // As a writer from the start: no lease changes hands after the epochs are read.
      await ownTransaction(db, async (trx) => {
        const held = await heldOf(trx, endpointKeys, results)
        const attempts = held.filter(({ counted }) => counted)
        if (attempts.length > 0) await insert(trx, [], attempts.map(attemptValues))
        if (held.length > 0) await runStatement(trx, update, [JSON.stringify(held.map(changeValues)), now])
        const tallies = packTallies(tallyOf(held))
        if (tallies !== '') await runStatement(trx, insertTally, [tallies])
        const lanes = lanesToOpen(held, now)
        if (lanes.length > 0) await runStatement(trx, openLanes, [JSON.stringify(lanes)])
        if (states.length > 0) await runStatement(trx, saveStates, [JSON.stringify(states.map(stateValues))])
        await runStatement(trx, requeue, [endpointKeys])
        await noteClock(trx, now)
        if (!held.some(({ notice, state }) => notice !== null || state === 'exhausted')) return
        const recorded = await readRecorded(trx, held)
        await disableEndpoints(trx, recorded, now)
        await tell(trx, recorded)
      })
    },
  }

  async function heldOf(
    trx: SqlExecutor,
    endpointKeys: string,
    results: readonly AttemptResult[],
  ): Promise<AttemptResult[]> {
    const rows = await readRows(trx, { endpoint_key: integer, epoch: integer }, epochs, [endpointKeys])
    const epochOf = new Map(rows.map(({ endpoint_key, epoch }) => [endpoint_key, epoch]))
    return results.filter(({ endpointKey, epoch }) => epochOf.get(endpointKey) === epoch)
  }

  async function disableEndpoints(trx: SqlExecutor, { endpoints, notices }: RecordedResults, now: number) {
    const reasons = notices.flatMap(({ endpointKey, notice }) =>
      notice.kind === 'disabled' && endpoints.has(endpointKey) ? [[endpointKey, notice.reason]] : [],
    )
    if (reasons.length === 0) return
    const list = JSON.stringify(reasons)
    if ((await countChanges(trx, disable, [now, now, list, list])) > 0) await runStatement(trx, raiseRevision)
  }
}

function lanesToOpen(results: readonly AttemptResult[], now: number): (string | number)[][] {
  return results.flatMap(({ endpointKey, lane, state, manual, dueOn }) => {
    if (lane === null || (state === 'pending' && !manual)) return []
    return [[endpointKey, lane, state === 'pending' ? (dueOn ?? now) : now]]
  })
}

/** What an attempt's row holds. */
function attemptValues(result: AttemptResult): (string | number | null)[] {
  const { endpointKey, messageKey, number, startedOn, durationMs, url, signature } = result
  const { status, errorCode, errorMessage, responseBody } = result
  return [
    endpointKey,
    messageKey,
    number,
    startedOn,
    durationMs,
    url,
    signature,
    status,
    errorCode,
    errorMessage,
    responseBody,
  ]
}

/** What changes a delivery. */
function changeValues(result: AttemptResult): (string | number | null)[] {
  const { endpointKey, messageKey, number, step, state, wasDueOn, dueOn, status, errorCode, counted } = result
  return [endpointKey, messageKey, number, step, state, wasDueOn, dueOn, status, errorCode, counted ? 1 : 0]
}

/** In the order of the statement that saves them. */
function stateValues(state: EndpointState): (string | number | null)[] {
  const { endpointKey, epoch, resets, failingSince, notBefore, details, rate } = state
  return [endpointKey, epoch, resets, failingSince, notBefore, details, rate]
}
