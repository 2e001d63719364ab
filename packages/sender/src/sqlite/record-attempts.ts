import type { Clock } from '@x/events-core'
import { countChanges, runStatement } from '@x/events-engine/support'
import type { Kysely } from 'kysely'
import type { AttemptResult, DeliveryStore } from '../delivery-store.ts'
import type { TableNames } from '../table-names.ts'
import { openLanesStatement } from './open-lanes.ts'

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
      r.url, r.signature, r.status, r.error_code, r.error_message, r.response_body ${fenced}`
  // When the due time was changed during the attempt, a person wants another: a failure leaves that be.
  const update = `${results}
    update ${names.delivery} as d set
      attempt_count = r.number,
      step = case when d.due_on = r.was_due_on then r.step else d.step end,
      state = case when r.state = 'succeeded' or d.due_on = r.was_due_on then r.state else d.state end,
      due_on = case when d.due_on = r.was_due_on then coalesce(r.due_on, d.due_on) else d.due_on end,
      finished_on = case when r.state = 'succeeded'
        or (d.due_on = r.was_due_on and r.state <> 'pending') then ? end,
      last_status = r.status,
      last_error_code = r.error_code
    ${fenced}
    where d.endpoint_key = r.endpoint_key and d.message_key = r.message_key and d.state = 'pending'`
  const requeue = `update ${names.queue} as q set due_on = pending.due_on
    from (select value as endpoint_key, (select min(due_on) from ${names.delivery} d
        where d.endpoint_key = value and d.state = 'pending' and d.due_on is not null) as due_on
      from json_each(?)) pending
    where q.endpoint_key = pending.endpoint_key and q.due_on is not pending.due_on`
  const disable = `update ${names.endpoint}
    set enabled = 0, disabled_reason = 'gone', disabled_on = ?, version = version + 1, updated_on = ?
    where enabled = 1 and key in (select value from json_each(?))`
  const openLanes = openLanesStatement(names)
  const raiseRevision = `update ${names.revision} set value = value + 1 where id = 1`

  return {
    async settleQueue(endpointKeys) {
      await runStatement(db, requeue, [JSON.stringify(endpointKeys)])
    },

    async recordAttempts(results) {
      const now = clock.now()
      const rows = JSON.stringify(results.map(valuesOf))
      const endpointKeys = JSON.stringify([...new Set(results.map(({ endpointKey }) => endpointKey))])
      const lanes = results.flatMap(({ endpointKey, lane, state }) =>
        lane === null || state === 'pending' ? [] : [[endpointKey, lane, now]],
      )
      const gone = results.filter((result) => result.gone).map(({ endpointKey }) => endpointKey)
      await db.transaction().execute(async (trx) => {
        await runStatement(trx, insert, [rows])
        await runStatement(trx, update, [rows, now])
        if (lanes.length > 0) await runStatement(trx, openLanes, [JSON.stringify(lanes)])
        await runStatement(trx, requeue, [endpointKeys])
        if (gone.length === 0) return
        const disabled = await countChanges(trx, disable, [now, now, JSON.stringify(gone)])
        if (disabled > 0) await runStatement(trx, raiseRevision)
      })
    },
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
  ]
}
