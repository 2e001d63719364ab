import { countChanges, runStatement, type SqlExecutor } from '@x/events-engine/support'
import type { Kysely } from 'kysely'
import type { DeliveryStore } from '../delivery-store.ts'
import type { TableNames } from '../table-names.ts'
import { endPauseStatement } from './endpoint-state.ts'
import { openLanesStatement } from './open-lanes.ts'

/** Makes deliveries due again because a person wants it. */
export function resendStatements(
  db: Kysely<unknown>,
  names: TableNames,
): Pick<DeliveryStore, 'resend' | 'recover'> {
  // The due time changes in any case: by that, an attempt under way is told that another is wanted.
  const again = `set state = 'pending', finished_on = null, step = case when state = 'pending' then step else 0 end,
    due_on = case when lane is not null and (state <> 'pending' or due_on is null) then null
      when due_on = ? then due_on - 1 else ? end`
  const lanes = `select distinct lane from ${names.delivery}
    where endpoint_key = ? and state = 'pending' and lane is not null and due_on is null`
  const openLanes = openLanesStatement(names)
  const endPause = endPauseStatement(names)
  const one = `update ${names.delivery} ${again} where endpoint_key = ? and message_key = ?`
  const exhausted = `update ${names.delivery} ${again}
    where endpoint_key = ? and state = 'exhausted' and created_on >= ?`
  const queue = `insert into ${names.queue} (endpoint_key, due_on) values (?, ?)
    on conflict (endpoint_key) do update set due_on = min(coalesce(due_on, excluded.due_on), excluded.due_on)`

  function resending(
    endpointKey: number,
    now: number,
    update: (trx: SqlExecutor) => Promise<number>,
  ): Promise<number> {
    return db.transaction().execute(async (trx) => {
      const count = await update(trx)
      if (count === 0) return 0
      const waiting = await runStatement<{ lane: string }>(trx, lanes, [endpointKey])
      const toOpen = JSON.stringify(waiting.map(({ lane }) => [endpointKey, lane, now]))
      if (waiting.length > 0) await runStatement(trx, openLanes, [toOpen])
      await runStatement(trx, endPause, [endpointKey])
      await runStatement(trx, queue, [endpointKey, now])
      return count
    })
  }

  return {
    async resend({ endpointKey, messageKey }, now) {
      const values = [now, now, endpointKey, messageKey]
      return (await resending(endpointKey, now, (trx) => countChanges(trx, one, values))) === 1
    },
    recover: (endpointKey, since, now) =>
      resending(endpointKey, now, (trx) => countChanges(trx, exhausted, [now, now, endpointKey, since])),
  }
}
