import { ownTransaction, readRows, runStatement, type SqlExecutor } from '@x/events-engine/internal'
import type { Transaction } from 'kysely'
import type { AttemptResult, RecordedResults, ResultBatch } from '../deliveries/attempt-result.ts'
import {
  DELIVERY_COLUMNS,
  deliveryColumns,
  deliveryRowOf,
  messageJoins,
} from '../deliveries/delivery-columns.ts'
import type { DueDelivery } from '../deliveries/due-delivery.ts'
import { createClockMark } from './clock.ts'
import type { StoreContext } from './context.ts'
import { createNextOpener } from './due.ts'
import { endpointReader, raiseRevisionStatement } from './endpoints.ts'
import { createOrderedWrite } from './ordered-successes.ts'
import { type DueOrderingKey, queueStatements } from './queue.ts'
import { resultWrites } from './write-results.ts'

/** How long a busy endpoint's row in the queue may lag behind what is recorded, where many nodes write. */
const QUEUE_LAG_MS = 1_000
const MAX_REMEMBERED = 10_000

/**
 * Stores the results of attempts, in one transaction. A result counts only while the lease that the
 * attempt was made under is the endpoint's latest: the node that has taken it since makes the attempt again,
 * with the same message id.
 *
 * Where queries may write, there are two ways. Successes, the usual case, are written by a single statement: it keeps the
 * leases from changing hands, and leaves the queue's rows alone, which are due too early then; the next read finds nothing more
 * and puts that right. In any other case, and for each endpoint once in a while, the rows are locked before their epochs are
 * read, and say afterwards when the endpoint is due next.
 */
export function resultStore(context: StoreContext) {
  const { db, sql, names, clock } = context
  const { write, writeSuccesses } = resultWrites(context)
  const writeOrdered = createOrderedWrite(context)
  const reasons = sql.records({ endpoint_key: 'integer', reason: 'text' })
  const disable = sql.statement(
    sql.update({
      table: names.endpoint,
      alias: 'e',
      set: `enabled = false, disabled_on = $2, version = e.version + 1, updated_on = $2, disabled_reason = r.reason`,
      from: `(select endpoint_key, min(reason) as reason from ${reasons.table('$1', 'g')} group by endpoint_key) as r`,
      where: 'e.enabled and e.key = r.endpoint_key',
    }),
  )
  // The entry names no actor: the sender disables them by itself.
  const auditDisabled = sql.statement(`insert into ${names.auditLog}
      (tenant_id, endpoint_key, action, details, created_on)
    select e.tenant_id, e.key, 'endpoint_disabled', '{"reason":"' || min(r.reason) || '"}', ${sql.cast('$2', 'integer')}
    from ${reasons.table('$1', 'r')} join ${names.endpoint} e on e.key = r.endpoint_key
    where e.enabled group by e.tenant_id, e.key`)
  const raiseRevision = raiseRevisionStatement(context)
  const { lockQueue, saveStates, requeue } = queueStatements(context)
  const openNext = createNextOpener(context)
  const readRecorded = createRecordedReader(context)
  const noteClock = createClockMark(context)
  /** When an endpoint's row in the queue was brought up to date by this node. */
  const queuedAt = new Map<number, number>()

  function isQueueFresh(endpointKeys: readonly number[], now: number): boolean {
    return endpointKeys.every((key) => Math.abs(now - (queuedAt.get(key) ?? 0)) < QUEUE_LAG_MS)
  }

  function rememberQueue(endpointKeys: readonly number[], now: number): void {
    if (queuedAt.size > MAX_REMEMBERED) queuedAt.clear()
    for (const key of endpointKeys) queuedAt.set(key, now)
  }

  return {
    /** Makes endpoints due when their first pending delivery is, and their pause is over, whatever was noted before. */
    async settleQueue(endpointKeys: readonly number[]): Promise<void> {
      if (sql.isLocal) return requeue(db, endpointKeys, clock.now())
      await ownTransaction(db, async (trx) => {
        await lockQueue(trx, endpointKeys)
        await requeue(trx, endpointKeys, clock.now())
      })
    },

    /**
     * In one transaction: the attempts, the states of their deliveries, that the next in their ordering keys are
     * due, how the endpoints do, and which are disabled.
     *
     * @param raiseNotices - called inside of the transaction when there are notices for the host.
     * @returns whether it was called, and the deliveries that are due now since the ones before them are done.
     */
    async recordAttempts(
      { results, states }: ResultBatch,
      raiseNotices?: (trx: Transaction<unknown>, recorded: RecordedResults) => Promise<void>,
    ): Promise<{ readonly hasNotices: boolean; readonly next: readonly DueDelivery[] }> {
      const now = clock.now()
      const endpointKeys = [...new Set([...results, ...states].map(({ endpointKey }) => endpointKey))]
      const mayLag = states.length === 0 && results.every(isSuccess) && isQueueFresh(endpointKeys, now)
      if (mayLag) {
        const toOpen = orderingKeysToOpen(results, now)
        const next =
          toOpen.length === 0
            ? await writeSuccesses?.(results, now)
            : await writeOrdered?.(results, toOpen, now)
        if (next) return { hasNotices: false, next }
      }
      const mayDisable = results.some(({ notice }) => notice?.kind === 'disabled')
      const recorded = await ownTransaction(db, async (trx) => {
        // Before the queue, as fan-out does it, so that neither waits for the other.
        if (mayDisable) await runStatement(trx, raiseRevision)
        const { held, isNew } = await write(trx, results, endpointKeys, now)
        const next = await openNext(trx, orderingKeysToOpen(held, now))
        await saveStates(trx, states)
        if (sql.isLocal || !mayLag) await requeue(trx, endpointKeys, now, 'first')
        await noteClock(trx, now)
        if (!isNew || !held.some(({ notice, state }) => notice !== null || state === 'exhausted')) {
          return { hasNotices: false, next }
        }
        const news = await readRecorded(trx, held)
        const disabled = endpointsToDisable(news)
        if (disabled.length > 0) {
          // First: it asks which are enabled.
          await runStatement(trx, auditDisabled, [reasons.encode(disabled), now])
          await runStatement(trx, disable, [reasons.encode(disabled), now])
        }
        await raiseNotices?.(trx, news)
        return { hasNotices: raiseNotices !== undefined, next }
      })
      if (!mayLag) rememberQueue(endpointKeys, now)
      return recorded
    },
  }
}

/** Creates what reads, in the transaction that stores results under held leases, the notices for the host. */
function createRecordedReader(context: StoreContext) {
  const { sql, names } = context
  const { columns, read } = endpointReader(context)
  const held = sql.statement(`select ${columns} from ${names.endpoint} e
    where e.deleted_on is null and ${sql.isListed('e.key', '$1')}`)
  const ended = sql.records({ endpoint_key: 'integer', message_key: 'integer' })
  const exhausted = sql.statement(`select ${DELIVERY_COLUMNS}
    from ${ended.table('$1', 'r')}
    join ${names.delivery} d on d.message_key = r.message_key and d.endpoint_key = r.endpoint_key
    join ${names.endpoint} e on e.key = d.endpoint_key ${messageJoins(names)}
    where d.state = 'exhausted' order by d.message_key, d.endpoint_key`)

  return async (trx: SqlExecutor, results: readonly AttemptResult[]): Promise<RecordedResults> => {
    const news = results.filter(({ notice, state }) => notice !== null || state === 'exhausted')
    const keys = news
      .filter(({ state }) => state === 'exhausted')
      .map(({ endpointKey, messageKey }) => ({ endpoint_key: endpointKey, message_key: messageKey }))
    const endpoints = await read(trx, held, [JSON.stringify(news.map(({ endpointKey }) => endpointKey))])
    const deliveries =
      keys.length === 0 ? [] : await readRows(trx, deliveryColumns, exhausted, [ended.encode(keys)])
    // Each attempt that was in flight may disable an endpoint: the first one does, unless something else has done so before.
    const enabled = new Set(endpoints.filter((row) => row.enabled).map(({ key }) => key))
    return {
      endpoints: new Map(endpoints.map((row) => [row.key, row])),
      notices: news.flatMap(({ endpointKey, notice }) => {
        const isTold = notice !== null && (notice.kind !== 'disabled' || enabled.delete(endpointKey))
        return isTold ? [{ endpointKey, notice }] : []
      }),
      exhausted: deliveries.map(deliveryRowOf),
    }
  }
}

/** Whether nothing changes with it but the delivery, and the next in its ordering key. */
function isSuccess({ state, notice, counted }: AttemptResult): boolean {
  return state === 'succeeded' && notice === null && counted
}

function endpointsToDisable({ notices }: RecordedResults) {
  return notices.flatMap(({ endpointKey, notice }) =>
    notice.kind === 'disabled' ? [{ endpoint_key: endpointKey, reason: notice.reason }] : [],
  )
}

function orderingKeysToOpen(results: readonly AttemptResult[], now: number): DueOrderingKey[] {
  return results.flatMap(({ endpointKey, orderingKey, state, manual, dueOn }) => {
    if (orderingKey === null || (state === 'pending' && !manual)) return []
    return [{ endpointKey, orderingKey, dueOn: state === 'pending' ? (dueOn ?? now) : now }]
  })
}
