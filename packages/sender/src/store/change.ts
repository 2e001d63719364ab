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
} from '@x/events-engine/internal'
import type { AuditAction } from '../audit/audit-entry.ts'
import type { DeliveryKey } from '../deliveries/delivery-row.ts'
import type { EndpointRow } from '../endpoints/fields.ts'
import { deliveryIdOf } from '../ids.ts'
import { auditWriter } from './audit-log.ts'
import { createClockMark } from './clock.ts'
import type { StoreContext } from './context.ts'
import type { MessageToStore, messageStore } from './messages.ts'
import { queueStatements } from './queue.ts'
import { numberingStatements } from './sequence.ts'

/** Why nothing is sent that a person has asked for. */
export type NotSent = 'disabled' | 'deleted' | 'pull' | 'not_found'

/** A delivery of a message that is stored already. */
export interface AddedDelivery {
  readonly messageKey: number
  readonly createdOn: number
  readonly orderingKey: string | null
}

const changedColumns = { ordering_key: nullable(text) }
type ChangedRow = RowOf<typeof changedColumns>

/** Makes deliveries due again, or ends them, because a person wants it. */
export function changeStore(
  context: StoreContext,
  { storeMessages }: Pick<ReturnType<typeof messageStore>, 'storeMessages'>,
) {
  const { db, sql, names, clock } = context
  // A change or deletion of an endpoint raises the revision first: it waits, or is committed.
  const lockRevision = sql.statement(
    `select value from ${names.revision} where id = 1${sql.lock('for share')}`,
  )
  // Two replays of one endpoint must not add the same deliveries: the second sees what the first has committed.
  const endpoint = sql.statement(
    `select enabled, url is null as is_pull from ${names.endpoint} where key = $1 and deleted_on is null${sql.lock('for no key update')}`,
  )
  const chosen = `endpoint_key = $1 and ${sql.isListed('message_key', '$3')}`
  const step = "step = case when state = 'pending' then step else 0 end"
  // The due time changes in any case: by that, an attempt under way is told that another is wanted. In an ordering key, what a
  // person has asked for goes back to its place: due in an ordinary turn, it would go before those that are older.
  const again = sql.statement(`update ${names.delivery}
    set state = 'pending', finished_on = null, manual = null, ${step},
      due_on = case when ordering_key is not null and (state <> 'pending' or due_on is null or manual is not null) then null
        when due_on = $2 then due_on - 1 else $2 end
    where ${chosen} returning ordering_key`)
  // In an ordering key it does not wait for its turn.
  const sendNow = sql.statement(`update ${names.delivery}
    set state = 'pending', finished_on = null, manual = true, ${step},
      due_on = case when due_on = $3 then due_on - 1 else $3 end
    where endpoint_key = $1 and message_key = $2 returning 1 as found`)
  // The due time stays: a result that comes in yet must find it, see record-attempts.
  const cancel = sql.statement(`update ${names.delivery} set state = 'cancelled', finished_on = $2
    where ${chosen} and state = 'pending' returning ordering_key`)
  const addedRows = sql.records({ message_key: 'integer', created_on: 'integer', ordering_key: 'text' })
  const insert =
    sql.statement(`insert into ${names.delivery} (endpoint_key, due_on, message_key, created_on, ordering_key)
    select ${sql.cast('$1', 'integer')}, case when d.ordering_key is null then ${sql.cast('$2', 'integer')} end,
      d.message_key, d.created_on, d.ordering_key
    from ${addedRows.table('$3', 'd')} where true${sql.upsert({ key: 'message_key, endpoint_key' })}`)
  const { lockQueue, enqueue, endPause, openOrderingKeys, requeue } = queueStatements(context)
  const { lockHeads } = numberingStatements(context)
  const noteClock = createClockMark(context)
  const audit = auditWriter(context)

  const auditDelivery = (
    trx: SqlExecutor,
    action: AuditAction,
    { key, actor, eventType }: { key: DeliveryKey; actor: string | null; eventType?: string },
    now: number,
  ) => {
    const { endpointKey, messageKey } = key
    const details = { deliveryId: deliveryIdOf(key), ...(eventType === undefined ? {} : { eventType }) }
    return audit(trx, endpointKey, { action, actor, details, messageKey }, now)
  }

  const open = (trx: SqlExecutor, endpointKey: number, rows: readonly ChangedRow[], dueOn: number) =>
    openOrderingKeys(
      trx,
      [...new Set(rows.flatMap(({ ordering_key }) => ordering_key ?? []))].map((orderingKey) => ({
        endpointKey,
        orderingKey,
        dueOn,
      })),
    )

  /** How an endpoint stands; it stays so until the transaction ends. */
  async function lockEndpoint(
    trx: SqlExecutor,
    endpointKey: number,
  ): Promise<'enabled' | 'pull' | 'disabled' | 'deleted'> {
    if (!sql.isLocal) await runStatement(trx, lockRevision)
    const [row] = await readRows(trx, { enabled: flag, is_pull: flag }, endpoint, [endpointKey])
    if (row === undefined) return 'deleted'
    if (!row.enabled) return 'disabled'
    return row.is_pull ? 'pull' : 'enabled'
  }

  async function cancelIn(
    trx: SqlExecutor,
    endpointKey: number,
    messageKeys: readonly number[],
    now: number,
  ): Promise<number> {
    await lockQueue(trx, [endpointKey])
    const rows = await readRows(trx, changedColumns, cancel, [endpointKey, now, JSON.stringify(messageKeys)])
    if (rows.length === 0) return 0
    await open(trx, endpointKey, rows, now)
    await requeue(trx, [endpointKey], now)
    return rows.length
  }

  /** In a transaction of its own. A process that delivers nothing may not have asked for the time yet. */
  async function alone<TResult>(work: (trx: SqlExecutor, now: number) => Promise<TResult>): Promise<TResult> {
    await clock.sync()
    return ownTransaction(db, (trx) => work(trx, clock.now()))
  }

  /** The queue's row is locked before. */
  async function makeManual(
    trx: SqlExecutor,
    { endpointKey, messageKey }: DeliveryKey,
    now: number,
  ): Promise<boolean> {
    if (!(await findsRow(trx, sendNow, [endpointKey, messageKey, now]))) return false
    await enqueue(trx, [{ endpointKey, dueOn: now - 1 }], true)
    await noteClock(trx, now)
    return true
  }

  return {
    lockEndpoint,

    /**
     * Ends pending deliveries, for a job that has written already and locked the endpoint.
     *
     * @returns how many of them were pending.
     */
    cancelIn,

    /** Stores deliveries of messages that are there, for a job that has written already and locked the endpoint. */
    async addDeliveries(
      trx: SqlExecutor,
      endpointKey: number,
      added: readonly AddedDelivery[],
      now: number,
    ): Promise<void> {
      await enqueue(trx, [{ endpointKey, dueOn: now }])
      const rows = added.map(({ messageKey, createdOn, orderingKey }) => ({
        message_key: messageKey,
        created_on: createdOn,
        ordering_key: orderingKey,
      }))
      await runStatement(trx, insert, [endpointKey, now, addedRows.encode(rows)])
      await open(trx, endpointKey, rows, now)
      await noteClock(trx, now)
    },

    /**
     * Makes deliveries due in their turn, and ends the endpoint's pause; those in a final state begin their
     * schedules anew. In an ordering key they wait for the one that is due there, and go before those that are younger. For a
     * job that has written already and locked the endpoint.
     *
     * @returns how many.
     */
    async resendIn(
      trx: SqlExecutor,
      endpointKey: number,
      messageKeys: readonly number[],
      now: number,
    ): Promise<number> {
      await lockQueue(trx, [endpointKey])
      const rows = await readRows(trx, changedColumns, again, [endpointKey, now, JSON.stringify(messageKeys)])
      if (rows.length === 0) return 0
      await open(trx, endpointKey, rows, now)
      await endPause(trx, endpointKey)
      await enqueue(trx, [{ endpointKey, dueOn: now - 1 }])
      await noteClock(trx, now)
      return rows.length
    },

    /**
     * Makes a delivery due now because a person wants it, ahead of all else, in its ordering key and in the endpoint's pause, too; one
     * in a final state begins its schedule anew.
     */
    resend: (key: DeliveryKey, actor: string | null = null): Promise<NotSent | undefined> =>
      alone(async (trx, now) => {
        const state = await lockEndpoint(trx, key.endpointKey)
        if (state !== 'enabled') return state
        await lockQueue(trx, [key.endpointKey])
        if (!(await makeManual(trx, key, now))) return 'not_found'
        await auditDelivery(trx, 'delivery_resent', { key, actor }, now)
        return undefined
      }),

    /**
     * A message for one endpoint alone, in a transaction of its own, to be attempted as a delivery that is resent, or to be
     * read.
     */
    storeTestMessage: (
      message: Omit<MessageToStore, 'targets'>,
      { key: endpointKey, sequence: isSequenced }: Pick<EndpointRow, 'key' | 'sequence'>,
      actor: string | null = null,
    ): Promise<NotSent | DeliveryKey> =>
      alone(async (trx, now) => {
        const state = await lockEndpoint(trx, endpointKey)
        if (state === 'disabled' || state === 'deleted') return state
        const isPull = state === 'pull'
        if (isSequenced) await lockHeads(trx, [endpointKey])
        // Before the message, whose statement would only share the lock.
        if (!isPull) await enqueue(trx, [{ endpointKey, dueOn: now - 1 }], true)
        const targets = [{ endpointKey, orderingKey: null, dueOn: now, isSequenced, isPull }]
        const { keys } = await storeMessages(trx, [{ ...message, targets }], now)
        const key = { endpointKey, messageKey: keys[0] as number }
        if (!isPull) await makeManual(trx, key, now)
        await auditDelivery(trx, 'test_sent', { key, actor, eventType: message.eventType }, now)
        return key
      }),

    /**
     * Ends a pending delivery without success; the next in its ordering key becomes due. The result of an attempt
     * under way is still recorded: success counts.
     *
     * @returns false when it was not pending.
     */
    cancel: (key: DeliveryKey, actor: string | null = null): Promise<boolean> =>
      alone(async (trx, now) => {
        const { endpointKey, messageKey } = key
        if ((await lockEndpoint(trx, endpointKey)) === 'deleted') return false
        if ((await cancelIn(trx, endpointKey, [messageKey], now)) === 0) return false
        await auditDelivery(trx, 'delivery_cancelled', { key, actor }, now)
        return true
      }),
  }
}
