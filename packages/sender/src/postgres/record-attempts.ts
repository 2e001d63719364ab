import type { Clock } from '@x/events-core'
import { runStatement } from '@x/events-engine/support'
import type { Kysely } from 'kysely'
import type { AttemptResult, EndpointState, RecordedResults } from '../deliveries/attempt-result.ts'
import type { DeliveryStore } from '../delivery-store.ts'
import { packTallies } from '../statistics/packed-tally.ts'
import { tallyOf } from '../statistics/tally.ts'
import type { TableNames } from '../table-names.ts'
import { saveStatesStatement } from './endpoint-state.ts'
import { createQueueLock } from './lock-queue.ts'
import { openLanesStatement } from './open-lanes.ts'
import { createRecordedReader } from './read-recorded.ts'
import { requeueStatement } from './requeue.ts'
import { storable } from './stored-values.ts'

/**
 * Stores what came of attempts, in one transaction. A result counts only while the lease that the
 * attempt was made under is the endpoint's latest: whoever has taken it since makes the attempt again,
 * with the same message id. The endpoints are locked before they are asked for their epochs, so that no
 * lease changes hands in the midst.
 */
export function recordStatements(
  db: Kysely<unknown>,
  names: TableNames,
  clock: Clock,
): Pick<DeliveryStore, 'recordAttempts' | 'settleQueue'> {
  // When the due time was changed during the attempt, a person wants another, or when it was cancelled, none:
  // a failure leaves that be.
  const write = `with r as materialized (
      select * from json_to_recordset($1) as r(endpoint_key bigint, message_key bigint, number integer,
        step integer, state text, was_due_on bigint, due_on bigint, started_on bigint, duration_ms bigint, url text,
        signature text, status integer, error_code text, error_message text, response_body text, counted boolean)
    ), attempts as (
      insert into ${names.attempt} (endpoint_key, message_key, number, started_on, duration_ms,
        url, signature, status, error_code, error_message, response_body)
      select endpoint_key, message_key, number, started_on, duration_ms,
        url, signature, status, error_code, error_message, response_body from r where counted
      on conflict do nothing
    ), tally as (
      insert into ${names.tally} (body) select $3::text where $3::text <> ''
    )
    update ${names.delivery} d set
      attempt_count = r.number,
      step = case when d.due_on = r.was_due_on then r.step else d.step end,
      state = case when r.state = 'succeeded' or (d.state = 'pending' and d.due_on = r.was_due_on) then r.state else d.state end,
      due_on = case when d.due_on = r.was_due_on then coalesce(r.due_on, d.due_on) else d.due_on end,
      finished_on = case when r.state = 'succeeded'
        or (d.state = 'pending' and d.due_on = r.was_due_on and r.state <> 'pending') then $2::bigint else d.finished_on end,
      last_status = r.status,
      last_error_code = r.error_code
    from r
    where d.endpoint_key = r.endpoint_key and d.message_key = r.message_key and d.state in ('pending', 'cancelled')`
  const disable = `update ${names.endpoint} e
    set enabled = false, disabled_on = $2, version = e.version + 1, updated_on = $2, disabled_reason = r.reason
    from (select distinct on (endpoint_key) endpoint_key, reason
      from json_to_recordset($1) as r(endpoint_key bigint, reason text) order by endpoint_key) r
    where e.enabled and e.key = r.endpoint_key`
  const lockQueue = createQueueLock(names)
  const openLanes = openLanesStatement(names)
  const saveStates = saveStatesStatement(names)
  const requeue = requeueStatement(names, 'first')
  const requeueAll = requeueStatement(names, 'all')
  const readRecorded = createRecordedReader(names)
  const raiseRevision = `update ${names.revision} set value = value + 1 where id = 1`

  return {
    async settleQueue(endpointKeys) {
      await db.transaction().execute(async (trx) => {
        await lockQueue(trx, endpointKeys)
        await runStatement(trx, requeueAll, [JSON.stringify(endpointKeys), clock.now()])
      })
    },

    async recordAttempts({ results, states }, tell) {
      const now = clock.now()
      const endpointKeys = [...new Set([...results, ...states].map(({ endpointKey }) => endpointKey))]
      const mayDisable = results.some(({ notice }) => notice?.kind === 'disabled')
      await db.transaction().execute(async (trx) => {
        // Before the queue, as fan-out does it, so that neither waits for the other.
        if (mayDisable) await runStatement(trx, raiseRevision)
        const epochs = await lockQueue(trx, endpointKeys)
        const held = results.filter(({ endpointKey, epoch }) => epochs.get(endpointKey) === epoch)
        if (held.length > 0)
          await runStatement(trx, write, [JSON.stringify(held.map(rowOf)), now, packTallies(tallyOf(held))])
        const lanes = lanesToOpen(held, now)
        if (lanes.length > 0) await runStatement(trx, openLanes, [JSON.stringify(lanes)])
        if (states.length > 0) await runStatement(trx, saveStates, [JSON.stringify(states.map(stateRowOf))])
        await runStatement(trx, requeue, [JSON.stringify(endpointKeys), now])
        if (!held.some(({ notice, state }) => notice !== null || state === 'exhausted')) return
        const recorded = await readRecorded(trx, held)
        const reasons = reasonsToDisable(recorded)
        if (reasons.length > 0) await runStatement(trx, disable, [JSON.stringify(reasons), now])
        await tell(trx, recorded)
      })
    },
  }
}

function reasonsToDisable({ endpoints, notices }: RecordedResults) {
  return notices.flatMap(({ endpointKey, notice }) =>
    notice.kind === 'disabled' && endpoints.has(endpointKey)
      ? [{ endpoint_key: endpointKey, reason: notice.reason }]
      : [],
  )
}

function lanesToOpen(results: readonly AttemptResult[], now: number) {
  return results.flatMap(({ endpointKey, lane, state }) =>
    lane === null || state === 'pending' ? [] : [{ endpoint_key: endpointKey, lane, due_on: now }],
  )
}

/** By the names of the columns. */
function rowOf(result: AttemptResult) {
  return {
    endpoint_key: result.endpointKey,
    message_key: result.messageKey,
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
    error_message: storable(result.errorMessage),
    response_body: storable(result.responseBody),
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
