import { ownTransaction, runStatement, type SqlExecutor } from '@x/events-engine/support'
import type { Kysely } from 'kysely'
import type { DeliveryStore } from '../delivery-store.ts'
import type { TableNames } from '../table-names.ts'
import { endPauseStatement } from './endpoint-state.ts'
import { openLanesStatement } from './open-lanes.ts'
import { requeueStatement } from './requeue.ts'

interface ChangedRow {
  readonly lane: string | null
}

type ChangeStatements = Pick<
  DeliveryStore,
  'lockEndpoint' | 'resend' | 'resendIn' | 'cancel' | 'cancelIn' | 'addDeliveries'
>

/** Makes deliveries due again, or ends them, because a person wants it. */
export function changeStatements(db: Kysely<unknown>, names: TableNames): ChangeStatements {
  // One writer: nothing changes until the end of the transaction.
  const endpoint = `select enabled from ${names.endpoint} where key = ? and deleted_on is null`
  const chosen = 'endpoint_key = ? and message_key in (select value from json_each(?))'
  // The due time changes in any case: by that, an attempt under way is told that another is wanted.
  const again = `update ${names.delivery} set state = 'pending', finished_on = null,
      step = case when state = 'pending' then step else 0 end,
      due_on = case when lane is not null and (state <> 'pending' or due_on is null) then null
        when due_on = ? then due_on - 1 else ? end
    where ${chosen} returning lane`
  // The due time stays: a result that comes in yet must find it, see record-attempts.
  const cancel = `update ${names.delivery} set state = 'cancelled', finished_on = ?
    where ${chosen} and state = 'pending' returning lane`
  const insert = `insert or ignore into ${names.delivery} (endpoint_key, due_on, message_key, created_on, lane)
    select n.endpoint_key, case when d.value ->> 2 is null then n.due_on end, d.value ->> 0, d.value ->> 1, d.value ->> 2
    from (select ? as endpoint_key, ? as due_on) n cross join json_each(?) d`
  const openLanes = openLanesStatement(names)
  const endPause = endPauseStatement(names)
  const requeue = requeueStatement(names)
  const queue = `insert into ${names.queue} (endpoint_key, due_on) values (?, ?)
    on conflict (endpoint_key) do update set due_on = min(coalesce(due_on, excluded.due_on), excluded.due_on)`

  async function open(trx: SqlExecutor, endpointKey: number, rows: readonly ChangedRow[], now: number) {
    const lanes = new Set(rows.flatMap(({ lane }) => (lane === null ? [] : [lane])))
    const toOpen = [...lanes].map((lane) => [endpointKey, lane, now])
    if (toOpen.length > 0) await runStatement(trx, openLanes, [JSON.stringify(toOpen)])
  }

  async function addDeliveries(
    ...[trx, endpointKey, added, now]: Parameters<DeliveryStore['addDeliveries']>
  ) {
    const rows = added.map(({ messageKey, createdOn, lane }) => [messageKey, createdOn, lane])
    await runStatement(trx, insert, [endpointKey, now, JSON.stringify(rows)])
    await open(trx, endpointKey, added, now)
    await runStatement(trx, queue, [endpointKey, now])
  }

  async function resendIn(
    trx: SqlExecutor,
    endpointKey: number,
    messageKeys: readonly number[],
    now: number,
  ) {
    const values = [now, now, endpointKey, JSON.stringify(messageKeys)]
    const rows = await runStatement<ChangedRow>(trx, again, values)
    if (rows.length === 0) return 0
    await open(trx, endpointKey, rows, now)
    await runStatement(trx, endPause, [endpointKey])
    await runStatement(trx, queue, [endpointKey, now])
    return rows.length
  }

  async function cancelIn(
    trx: SqlExecutor,
    endpointKey: number,
    messageKeys: readonly number[],
    now: number,
  ) {
    const values = [now, endpointKey, JSON.stringify(messageKeys)]
    const rows = await runStatement<ChangedRow>(trx, cancel, values)
    if (rows.length === 0) return 0
    await open(trx, endpointKey, rows, now)
    await runStatement(trx, requeue, [JSON.stringify([endpointKey])])
    return rows.length
  }

  return {
    async lockEndpoint(trx, endpointKey) {
      const [row] = await runStatement<{ enabled: number }>(trx, endpoint, [endpointKey])
      return row === undefined ? 'deleted' : row.enabled === 1 ? 'enabled' : 'disabled'
    },
    addDeliveries,
    resendIn,
    cancelIn,
    resend: ({ endpointKey, messageKey }, now) =>
      ownTransaction(db, async (trx) => (await resendIn(trx, endpointKey, [messageKey], now)) === 1),
    cancel: ({ endpointKey, messageKey }, now) =>
      ownTransaction(db, async (trx) => (await cancelIn(trx, endpointKey, [messageKey], now)) === 1),
  }
}
