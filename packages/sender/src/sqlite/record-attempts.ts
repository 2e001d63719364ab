import type { Clock } from '@x/events-core'
import { countChanges, runStatement, type SqlExecutor } from '@x/events-engine/support'
import type { Kysely } from 'kysely'
import type { AttemptResult, EndpointState, RecordedResults } from '../deliveries/attempt-result.ts'
import type { DeliveryStore } from '../delivery-store.ts'
import { packTallies } from '../statistics/packed-tally.ts'
import { tallyOf } from '../statistics/tally.ts'
import type { TableNames } from '../table-names.ts'
import { saveStatesStatement } from './endpoint-state.ts'
import { openLanesStatement } from './open-lanes.ts'
import { createRecordedReader } from './read-recorded.ts'
import { requeueStatement } from './requeue.ts'

const RESULT_COLUMNS = [
  'endpoint_key',
  'message_key',
  'epoch',
  'number',
  'step',
  'state',
  'was_due_on',
  'due_on',
  'started_on',
  'duration_ms',
  'url',
  'signature',
  'status',
  'error_code',
  'error_message',
  'response_body',
  'counted',
]

/**
 * Stores what came of attempts, in one transaction. A result counts only while the lease that the
 * attempt was made under is the endpoint's latest: whoever has taken it since makes the attempt again,
 * with the same message id.
 */
export function recordStatements(
  db: Kysely<unknown>,
  names: TableNames,
  clock: Clock,
): Pick<DeliveryStore, 'recordAttempts' | 'settleQueue'> {
  const columns = RESULT_COLUMNS.map((name, index) => `value ->> ${index} as ${name}`).join(', ')
  const results = `with result as materialized (select ${columns} from json_each(?))`
  const fenced = `from result r cross join ${names.queue} q on q.endpoint_key = r.endpoint_key and q.epoch = r.epoch`
  const insert = `${results}
    insert or ignore into ${names.attempt} (endpoint_key, message_key, number, started_on, duration_ms,
      url, signature, status, error_code, error_message, response_body)
    select r.endpoint_key, r.message_key, r.number, r.started_on, r.duration_ms,
      r.url, r.signature, r.status, r.error_code, r.error_message, r.response_body ${fenced} where r.counted = 1`
  // When the due time was changed during the attempt, a person wants another, or when it was cancelled, none:
  // a failure leaves that be.
  const update = `${results}
    update ${names.delivery} as d set
      attempt_count = r.number,
      step = case when d.due_on = r.was_due_on then r.step else d.step end,
      state = case when r.state = 'succeeded' or (d.state = 'pending' and d.due_on = r.was_due_on) then r.state else d.state end,
      due_on = case when d.due_on = r.was_due_on then coalesce(r.due_on, d.due_on) else d.due_on end,
      finished_on = case when r.state = 'succeeded'
        or (d.state = 'pending' and d.due_on = r.was_due_on and r.state <> 'pending') then ? else d.finished_on end,
      last_status = r.status,
      last_error_code = r.error_code
    ${fenced}
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
      const rows = JSON.stringify(results.map(valuesOf))
      const endpointKeys = JSON.stringify([...new Set(results.map(({ endpointKey }) => endpointKey))])
      const lanes = results.flatMap(({ endpointKey, lane, state }) =>
        lane === null || state === 'pending' ? [] : [[endpointKey, lane, now]],
      )
      const tallies = packTallies(tallyOf(results))
      const hasNews = results.some(({ notice, state }) => notice !== null || state === 'exhausted')
      await db.transaction().execute(async (trx) => {
        await runStatement(trx, insert, [rows])
        await runStatement(trx, update, [rows, now])
        if (tallies !== '') await runStatement(trx, insertTally, [tallies])
        if (lanes.length > 0) await runStatement(trx, openLanes, [JSON.stringify(lanes)])
        if (states.length > 0) await runStatement(trx, saveStates, [JSON.stringify(states.map(stateValues))])
        await runStatement(trx, requeue, [endpointKeys])
        if (!hasNews) return
        const recorded = await readRecorded(trx, results)
        await disableEndpoints(trx, recorded, now)
        await tell(trx, recorded)
      })
    },
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

/** In the order of the columns above. */
function valuesOf(result: AttemptResult): (string | number | null)[] {
  return [
    result.endpointKey,
    result.messageKey,
    result.epoch,
    result.number,
    result.step,
    result.state,
    result.wasDueOn,
    result.dueOn,
    result.startedOn,
    result.durationMs,
    result.url,
    result.signature,
    result.status,
    result.errorCode,
    result.errorMessage,
    result.responseBody,
    result.counted ? 1 : 0,
  ]
}

/** In the order of the statement that saves them. */
function stateValues(state: EndpointState): (string | number | null)[] {
  const { endpointKey, epoch, resets, failingSince, notBefore, details, rate } = state
  return [endpointKey, epoch, resets, failingSince, notBefore, details, rate]
}
