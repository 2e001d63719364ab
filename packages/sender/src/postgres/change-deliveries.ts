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
import type { SharedClock } from '../clock.ts'
import type { DeliveryKey } from '../deliveries/delivery-row.ts'
import type { DeliveryStore, NotSent } from '../delivery-store.ts'
import type { TableNames } from '../table-names.ts'
import { endPauseStatement } from './endpoint-state.ts'
import { enqueueStatement } from './enqueue.ts'
import { createQueueLock } from './lock-queue.ts'
import { openLanesStatement } from './open-lanes.ts'
import { requeueStatement } from './requeue.ts'
import { messageStatements } from './store-messages.ts'
import { keysOf } from './stored-values.ts'

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
  clock: SharedClock,
): ChangeStatements {
  // Whoever changes or deletes an endpoint raises the revision first: it waits, or has done so already.
  const lockRevision = `select value from ${names.revision} where id = 1 for share`
  const endpoint = `select enabled from ${names.endpoint} where key = $1 and deleted_on is null`
  const chosen = (keys: string) => `endpoint_key = $1 and message_key = any(${keysOf(keys)})`
  // The due time changes in any case: by that, an attempt under way is told that another is wanted.
  const again = `update ${names.delivery} set state = 'pending', finished_on = null, manual = null,
      step = case when state = 'pending' then step else 0 end,
      due_on = case when lane is not null and (state <> 'pending' or due_on is null) then null
        when due_on = $2 then due_on - 1 else $2 end
    where ${chosen('$3')} returning lane`
  // In an ordering key it does not wait for its turn.
  const sendNow = `update ${names.delivery} set state = 'pending', finished_on = null, manual = true,
      step = case when state = 'pending' then step else 0 end,
      due_on = case when due_on = $3 then due_on - 1 else $3 end
    where endpoint_key = $1 and message_key = $2 returning 1`
  // The due time stays: a result that comes in yet must find it, see record-attempts.
  const cancel = `update ${names.delivery} set state = 'cancelled', finished_on = $2
    where ${chosen('$3')} and state = 'pending' returning lane`
  const insert = `insert into ${names.delivery} (endpoint_key, due_on, message_key, created_on, lane)
    select $1, case when d.lane is null then $2::bigint end, d.message_key, d.created_on, d.lane
    from json_to_recordset($3::text::json) as d(message_key bigint, created_on bigint, lane text)
    on conflict do nothing`
  const openLanes = openLanesStatement(names)
  const endPause = endPauseStatement(names)
  const enqueue = enqueueStatement(names)
  const enqueueManual = enqueueStatement(names, true)
  const { storeMessages } = messageStatements(names)
  const lockQueue = createQueueLock(names)
  const requeue = requeueStatement(names, 'all')

  async function open(trx: SqlExecutor, endpointKey: number, rows: readonly ChangedRow[], now: number) {
    const lanes = new Set(rows.flatMap(({ lane }) => (lane === null ? [] : [lane])))
    const toOpen = [...lanes].map((lane) => ({ endpoint_key: endpointKey, lane, due_on: now }))
    if (toOpen.length > 0) await runStatement(trx, openLanes, [JSON.stringify(toOpen)])
  }

  async function addDeliveries(
    ...[trx, endpointKey, added, now]: Parameters<DeliveryStore['addDeliveries']>
  ) {
    await runStatement(trx, enqueue, [queueRow(endpointKey, now)])
    const rows = added.map(({ messageKey, createdOn, lane }) => ({
      message_key: messageKey,
      created_on: createdOn,
      lane,
    }))
    await runStatement(trx, insert, [endpointKey, now, JSON.stringify(rows)])
    await open(trx, endpointKey, added, now)
  }

  async function resendIn(
    trx: SqlExecutor,
    endpointKey: number,
    messageKeys: readonly number[],
    now: number,
  ) {
    await lockQueue(trx, [endpointKey])
    const rows = await readRows(trx, changedColumns, again, [endpointKey, now, JSON.stringify(messageKeys)])
    if (rows.length === 0) return 0
    await open(trx, endpointKey, rows, now)
    await runStatement(trx, endPause, [endpointKey])
    await runStatement(trx, enqueue, [queueRow(endpointKey, now - 1)])
    return rows.length
  }

  async function cancelIn(
    trx: SqlExecutor,
    endpointKey: number,
    messageKeys: readonly number[],
    now: number,
  ) {
    await lockQueue(trx, [endpointKey])
    const rows = await readRows(trx, changedColumns, cancel, [endpointKey, now, JSON.stringify(messageKeys)])
    if (rows.length === 0) return 0
    await open(trx, endpointKey, rows, now)
    await runStatement(trx, requeue, [JSON.stringify([endpointKey]), now])
    return rows.length
  }

  async function lockEndpoint(trx: SqlExecutor, endpointKey: number) {
    await runStatement(trx, lockRevision)
    const [row] = await readRows(trx, { enabled: flag }, endpoint, [endpointKey])
    return row === undefined ? 'deleted' : row.enabled ? 'enabled' : 'disabled'
  }

  /** Whoever asks may be a process that delivers nothing, and has not asked for the time yet. */
  async function alone<TResult>(work: (trx: SqlExecutor, now: number) => Promise<TResult>): Promise<TResult> {
    await clock.sync()
    return ownTransaction(db, (trx) => work(trx, clock.now()))
  }

  /** The queue's row is locked first, see lock-queue. */
  async function makeManual(
    trx: SqlExecutor,
    { endpointKey, messageKey }: DeliveryKey,
    now: number,
  ): Promise<boolean> {
    const found = await findsRow(trx, sendNow, [endpointKey, messageKey, now])
    if (!found) return false
    await runStatement(trx, enqueueManual, [queueRow(endpointKey, now - 1)])
    return true
  }

  return {
    lockEndpoint,
    addDeliveries,
    resendIn,
    cancelIn,
    resend: (key) =>
      alone(async (trx, now): Promise<NotSent | undefined> => {
        const state = await lockEndpoint(trx, key.endpointKey)
        if (state !== 'enabled') return state
        await lockQueue(trx, [key.endpointKey])
        return (await makeManual(trx, key, now)) ? undefined : 'not_found'
      }),
    storeTestMessage: (message, endpointKey) =>
      alone(async (trx, now): Promise<NotSent | DeliveryKey> => {
        const state = await lockEndpoint(trx, endpointKey)
        if (state !== 'enabled') return state
        // Before the message, whose statement would only share the lock.
        await runStatement(trx, enqueueManual, [queueRow(endpointKey, now - 1)])
        const targets = [{ endpointKey, lane: null, dueOn: now }]
        const [messageKey] = await storeMessages(trx, [{ ...message, targets }], now)
        const key = { endpointKey, messageKey: messageKey as number }
        await makeManual(trx, key, now)
        return key
      }),
    cancel: ({ endpointKey, messageKey }) =>
      alone(async (trx, now) => {
        if ((await lockEndpoint(trx, endpointKey)) === 'deleted') return false
        return (await cancelIn(trx, endpointKey, [messageKey], now)) === 1
      }),
  }
}

function queueRow(endpointKey: number, dueOn: number): string {
  return JSON.stringify([{ endpoint_key: endpointKey, due_on: dueOn }])
}
