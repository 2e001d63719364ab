import { countChanges, runStatement, type SqlExecutor } from '@x/events-engine/support'
import type { Kysely } from 'kysely'
import type { DeliveryStore } from '../delivery-store.ts'
import type { TableNames } from '../table-names.ts'
import type { SharedClock } from './database-clock.ts'
import { endPauseStatement } from './endpoint-state.ts'
import { enqueueStatement } from './enqueue.ts'
import { openLanesStatement } from './open-lanes.ts'

/** Makes deliveries due again because a person wants it. */
export function resendStatements(
  db: Kysely<unknown>,
  names: TableNames,
  clock: SharedClock,
): Pick<DeliveryStore, 'resend' | 'recover'> {
  // The due time changes in any case: by that, an attempt under way is told that another is wanted.
  const again = `set state = 'pending', finished_on = null, step = case when state = 'pending' then step else 0 end,
    due_on = case when lane is not null and (state <> 'pending' or due_on is null) then null
      when due_on = $1 then due_on - 1 else $1 end`
  const lanes = `select distinct lane from ${names.delivery}
    where endpoint_key = $1 and state = 'pending' and lane is not null and due_on is null`
  const openLanes = openLanesStatement(names)
  const one = `update ${names.delivery} ${again} where endpoint_key = $2 and message_key = $3`
  const exhausted = `update ${names.delivery} ${again}
    where endpoint_key = $2 and state = 'exhausted' and created_on >= $3`
  const endPause = endPauseStatement(names)
  const enqueue = enqueueStatement(names)

  async function resending(
    endpointKey: number,
    update: (trx: SqlExecutor, now: number) => Promise<number>,
  ): Promise<number> {
    // Whoever asks may be a process that delivers nothing, and has not asked for the time yet.
    await clock.sync()
    const now = clock.now()
    return db.transaction().execute(async (trx) => {
      // First of all, since they lock the endpoint's row. If there is nothing to send after all, its holder
      // finds that out.
      await runStatement(trx, endPause, [endpointKey])
      await runStatement(trx, enqueue, [JSON.stringify([{ endpoint_key: endpointKey, due_on: now - 1 }])])
      const count = await update(trx, now)
      if (count === 0) return 0
      const waiting = await runStatement<{ lane: string }>(trx, lanes, [endpointKey])
      const toOpen = waiting.map(({ lane }) => ({ endpoint_key: endpointKey, lane, due_on: now }))
      if (toOpen.length > 0) await runStatement(trx, openLanes, [JSON.stringify(toOpen)])
      return count
    })
  }

  return {
    async resend({ endpointKey, messageKey }) {
      const count = await resending(endpointKey, (trx, now) =>
        countChanges(trx, one, [now, endpointKey, messageKey]),
      )
      return count === 1
    },
    recover: (endpointKey, since) =>
      resending(endpointKey, (trx, now) => countChanges(trx, exhausted, [now, endpointKey, since])),
  }
}
