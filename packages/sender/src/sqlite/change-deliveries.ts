import {
  findsRow,
  flag,
  nullable,
  ownTransaction,
  type RowOf,
  readRows,
  runStatement,
  type SqlExecutor,
  text,
} from '@x/events-engine/support'
import type { Kysely } from 'kysely'
import type { DeliveryKey } from '../deliveries/delivery-row.ts'
import type { DeliveryStore, NotSent } from '../delivery-store.ts'
import type { TableNames } from '../table-names.ts'
import type { NoteClock } from './clock-mark.ts'
import { endPauseStatement } from './endpoint-state.ts'
import { enqueueStatement } from './enqueue.ts'
import { openLanesStatement } from './open-lanes.ts'
import { requeueStatement } from './requeue.ts'
import { messageStatements } from './store-messages.ts'

const changedColumns = { lane: nullable(text) }
type ChangedRow = RowOf<typeof changedColumns>

type ChangeStatements = Pick<
  DeliveryStore,
  'lockEndpoint' | 'storeTestMessage' | 'resend' | 'resendIn' | 'cancel' | 'cancelIn' | 'addDeliveries'
>

/** Makes deliveries due again, or ends them, because a person wants it. */
export function changeStatements(
  db: Kysely<unknown>,
  names: TableNames,
  noteClock: NoteClock,
): ChangeStatements {
  // One writer: nothing changes until the end of the transaction.
  const endpoint = `select enabled from ${names.endpoint} where key = ? and deleted_on is null`
  const chosen = 'endpoint_key = ? and message_key in (select value from json_each(?))'
  // The due time changes in any case: by that, an attempt under way is told that another is wanted.
  const again = `update ${names.delivery} set state = 'pending', finished_on = null, manual = null,
      step = case when state = 'pending' then step else 0 end,
      due_on = case when lane is not null and (state <> 'pending' or due_on is null) then null
        when due_on = ? then due_on - 1 else ? end
    where ${chosen} returning lane`
  // In an ordering key it does not wait for its turn.
  const sendNow = `update ${names.delivery} set state = 'pending', finished_on = null, manual = 1,
      step = case when state = 'pending' then step else 0 end,
      due_on = case when due_on = ? then due_on - 1 else ? end
    where endpoint_key = ? and message_key = ? returning 1`
  // The due time stays: a result that comes in yet must find it, see record-attempts.
  const cancel = `update ${names.delivery} set state = 'cancelled', finished_on = ?
    where ${chosen} and state = 'pending' returning lane`
  const insert = `insert or ignore into ${names.delivery} (endpoint_key, due_on, message_key, created_on, lane)
    select n.endpoint_key, case when d.value ->> 2 is null then n.due_on end, d.value ->> 0, d.value ->> 1, d.value ->> 2
    from (select ? as endpoint_key, ? as due_on) n cross join json_each(?) d`
  const openLanes = openLanesStatement(names)
  const endPause = endPauseStatement(names)
  const requeue = requeueStatement(names)
  const enqueue = enqueueStatement(names)
  const enqueueManual = enqueueStatement(names, true)
  const { storeMessages } = messageStatements(names, noteClock)

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
    await runStatement(trx, enqueue, [JSON.stringify([[endpointKey, now]])])
    await noteClock(trx, now)
  }

  async function resendIn(
    trx: SqlExecutor,
    endpointKey: number,
    messageKeys: readonly number[],
    now: number,
  ) {
    const values = [now, now, endpointKey, JSON.stringify(messageKeys)]
    const rows = await readRows(trx, changedColumns, again, values)
    if (rows.length === 0) return 0
    await open(trx, endpointKey, rows, now)
    await runStatement(trx, endPause, [endpointKey])
    await runStatement(trx, enqueue, [JSON.stringify([[endpointKey, now - 1]])])
    await noteClock(trx, now)
    return rows.length
  }

  async function cancelIn(
    trx: SqlExecutor,
    endpointKey: number,
    messageKeys: readonly number[],
    now: number,
  ) {
    const values = [now, endpointKey, JSON.stringify(messageKeys)]
    const rows = await readRows(trx, changedColumns, cancel, values)
    if (rows.length === 0) return 0
    await open(trx, endpointKey, rows, now)
    await runStatement(trx, requeue, [JSON.stringify([endpointKey])])
    return rows.length
  }

  async function lockEndpoint(trx: SqlExecutor, endpointKey: number) {
    const [row] = await readRows(trx, { enabled: flag }, endpoint, [endpointKey])
    return row === undefined ? 'deleted' : row.enabled ? 'enabled' : 'disabled'
  }

  async function makeManual(
    trx: SqlExecutor,
    { endpointKey, messageKey }: DeliveryKey,
    now: number,
  ): Promise<boolean> {
    const found = await findsRow(trx, sendNow, [now, now, endpointKey, messageKey])
    if (!found) return false
    await runStatement(trx, enqueueManual, [JSON.stringify([[endpointKey, now - 1]])])
    await noteClock(trx, now)
    return true
  }

  return {
    lockEndpoint,
    addDeliveries,
    resendIn,
    cancelIn,
    resend: (key, now) =>
      ownTransaction(db, async (trx): Promise<NotSent | undefined> => {
        const state = await lockEndpoint(trx, key.endpointKey)
        if (state !== 'enabled') return state
        return (await makeManual(trx, key, now)) ? undefined : 'not_found'
      }),
    storeTestMessage: (message, endpointKey, now) =>
      ownTransaction(db, async (trx): Promise<NotSent | DeliveryKey> => {
        const state = await lockEndpoint(trx, endpointKey)
        if (state !== 'enabled') return state
        const targets = [{ endpointKey, lane: null, dueOn: now }]
        const [messageKey] = await storeMessages(trx, [{ ...message, targets }], now)
        const key = { endpointKey, messageKey: messageKey as number }
        await makeManual(trx, key, now)
        return key
      }),
    cancel: ({ endpointKey, messageKey }, now) =>
      ownTransaction(db, async (trx) => (await cancelIn(trx, endpointKey, [messageKey], now)) === 1),
  }
}
