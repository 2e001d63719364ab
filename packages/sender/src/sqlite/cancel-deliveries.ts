import { runStatement } from '@x/events-engine/support'
import type { Kysely } from 'kysely'
import type { DeliveryStore } from '../delivery-store.ts'
import type { TableNames } from '../table-names.ts'
import { openLanesStatement } from './open-lanes.ts'
import { requeueStatement } from './requeue.ts'

/** Ends deliveries because a person wants no further attempt. */
export function cancelStatements(db: Kysely<unknown>, names: TableNames): Pick<DeliveryStore, 'cancel'> {
  // The due time stays: a result that comes in yet must find it, see record-attempts.
  const one = `update ${names.delivery} set state = 'cancelled', finished_on = ?
    where endpoint_key = ? and message_key = ? and state = 'pending' returning lane`
  const openLanes = openLanesStatement(names)
  const requeue = requeueStatement(names)

  return {
    cancel({ endpointKey, messageKey }, now) {
      return db.transaction().execute(async (trx) => {
        const [row] = await runStatement<{ lane: string | null }>(trx, one, [now, endpointKey, messageKey])
        if (!row) return false
        if (row.lane !== null)
          await runStatement(trx, openLanes, [JSON.stringify([[endpointKey, row.lane, now]])])
        await runStatement(trx, requeue, [JSON.stringify([endpointKey])])
        return true
      })
    },
  }
}
