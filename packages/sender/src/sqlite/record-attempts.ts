import type { Clock } from '@x/events-core'
import { countChanges, runStatement } from '@x/events-engine/support'
import type { Kysely } from 'kysely'
import type { AttemptResult, DeliveryStore } from '../delivery-store.ts'
import type { TableNames } from '../table-names.ts'

/**
 * Stores what came of attempts, in one transaction. A result counts only while the lease that the
 * attempt was made under is the endpoint's latest: whoever has taken it since makes the attempt again,
 * with the same message id.
 */
export function recordStatements(
  db: Kysely<unknown>,
  names: TableNames,
  clock: Clock,
): Pick<DeliveryStore, 'recordAttempts'> {
  const fenced = `from json_each(?) result
    cross join ${names.queue} q on q.endpoint_key = result.value ->> 0 and q.epoch = result.value ->> 2`
  const insert = `insert or ignore into ${names.attempt} (endpoint_key, message_key, number, started_on, duration_ms,
      url, signature, status, error_code, error_message, response_body)
    select result.value ->> 0, result.value ->> 1, result.value ->> 3, result.value ->> 8, result.value ->> 9,
      result.value ->> 10, result.value ->> 11, result.value ->> 12, result.value ->> 13, result.value ->> 14,
      result.value ->> 15 ${fenced}`
  // When the due time was changed during the attempt, a person wants another: a failure leaves that be.
  const update = `update ${names.delivery} as d set
      attempt_count = result.value ->> 3,
      step = case when d.due_on = result.value ->> 6 then result.value ->> 4 else d.step end,
      state = case when result.value ->> 5 = 'succeeded' or d.due_on = result.value ->> 6
        then result.value ->> 5 else d.state end,
      due_on = case when d.due_on = result.value ->> 6 then coalesce(result.value ->> 7, d.due_on) else d.due_on end,
      finished_on = case when result.value ->> 5 = 'succeeded'
        or (d.due_on = result.value ->> 6 and result.value ->> 5 <> 'pending') then ? end,
      last_status = result.value ->> 12,
      last_error_code = result.value ->> 13
    ${fenced}
    where d.endpoint_key = result.value ->> 0 and d.message_key = result.value ->> 1 and d.state = 'pending'`
  const requeue = `update ${names.queue} as q set due_on = pending.due_on
    from (select value as endpoint_key, (select min(due_on) from ${names.delivery} d
        where d.endpoint_key = value and d.state = 'pending') as due_on
      from json_each(?)) pending
    where q.endpoint_key = pending.endpoint_key and q.due_on is not pending.due_on`
  const disable = `update ${names.endpoint}
    set enabled = 0, disabled_reason = 'gone', disabled_on = ?, version = version + 1, updated_on = ?
    where enabled = 1 and key in (select value from json_each(?))`
  const raiseRevision = `update ${names.revision} set value = value + 1 where id = 1`

  return {
    async recordAttempts(results) {
      const now = clock.now()
      const rows = JSON.stringify(results.map(valuesOf))
      const endpointKeys = JSON.stringify([...new Set(results.map(({ endpointKey }) => endpointKey))])
      const gone = results.filter((result) => result.gone).map(({ endpointKey }) => endpointKey)
      await db.transaction().execute(async (trx) => {
        await runStatement(trx, insert, [rows])
        await runStatement(trx, update, [now, rows])
        await runStatement(trx, requeue, [endpointKeys])
        if (gone.length === 0) return
        const disabled = await countChanges(trx, disable, [now, now, JSON.stringify(gone)])
        if (disabled > 0) await runStatement(trx, raiseRevision)
      })
    },
  }
}

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
