import { runStatement } from '@x/events-engine/support'
import type { Kysely } from 'kysely'
import type { DeliveryStore } from '../delivery-store.ts'
import type { TableNames } from '../table-names.ts'
import type { SharedClock } from './database-clock.ts'
import { createQueueLock } from './lock-queue.ts'
import { openLanesStatement } from './open-lanes.ts'
import { requeueStatement } from './requeue.ts'

/** Ends deliveries because a person wants no further attempt. */
export function cancelStatements(
  db: Kysely<unknown>,
  names: TableNames,
  clock: SharedClock,
): Pick<DeliveryStore, 'cancel'> {
  // The due time stays: a result that comes in yet must find it, see record-attempts.
  const one = `update ${names.delivery} set state = 'cancelled', finished_on = $3
    where endpoint_key = $1 and message_key = $2 and state = 'pending' returning lane`
  const openLanes = openLanesStatement(names)
  const lockQueue = createQueueLock(names)
  const requeue = requeueStatement(names, 'all')

  return {
    async cancel({ endpointKey, messageKey }) {
      await clock.sync()
      const now = clock.now()
      return db.transaction().execute(async (trx) => {
        await lockQueue(trx, [endpointKey])
        const [row] = await runStatement<{ lane: string | null }>(trx, one, [endpointKey, messageKey, now])
        if (!row) return false
        const lanes = [{ endpoint_key: endpointKey, lane: row.lane, due_on: now }]
        if (row.lane !== null) await runStatement(trx, openLanes, [JSON.stringify(lanes)])
        await runStatement(trx, requeue, [JSON.stringify([endpointKey]), now])
        return true
      })
    },
  }
}
