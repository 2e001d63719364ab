import { integer, nullable, ownTransaction, readRows, runStatement } from '@x/events-engine/internal'
import type { StoreContext } from './context.ts'
import { IS_INLINE } from './straight-messages.ts'

/** A row that a purge has looked at. */
export interface StraightMark {
  readonly eventSequence: number
  readonly messageKey: number
}

const oldestColumns = { message_key: integer, endpoint_key: integer, event_seq: integer, created_on: integer }

/** Deletes what is old. Keys ascend with time, so that no index on the time is needed. */
export function purgeStore({ db, sql, names }: StoreContext) {
  const next = sql.statement(
    `select key, created_on from ${names.message} where key > $1 order by key limit $2`,
  )
  const isListed = (key: string) => sql.isListed(key, '$1')
  // What is being changed just now is left for the next time.
  const deleteDeliveries = sql.statement(`delete from ${names.delivery} where (message_key, endpoint_key) in (
    select d.message_key, d.endpoint_key from ${names.delivery} d
    where ${sql.limitsIdle} and ${isListed('d.message_key')} and d.state <> 'pending'${sql.lock('for update of d skip locked')})`)
  const deleteAttempts = sql.statement(`delete from ${names.attempt} where ${isListed('message_key')}
    and not exists (select 1 from ${names.delivery} d
      where d.message_key = ${names.attempt}.message_key and d.endpoint_key = ${names.attempt}.endpoint_key)`)
  const deleteMessages = sql.statement(`delete from ${names.message} where ${isListed('key')}
    and not exists (select 1 from ${names.delivery} d where d.message_key = ${names.message}.key)`)

  // The same of deliveries whose messages are not stored, in the order of their events.
  const oldestStraight =
    sql.statement(`select d.message_key, d.endpoint_key, d.event_seq, d.created_on from ${names.delivery} d
    where d.event_seq is not null and (d.event_seq, d.message_key) > ($1, $2)
    order by d.event_seq, d.message_key limit $3`)
  const pairs = sql.records({ message_key: 'integer', endpoint_key: 'integer' })
  const deleteStraight = sql.statement(`delete from ${names.delivery} where (message_key, endpoint_key) in (
      select d.message_key, d.endpoint_key from ${pairs.table('$1', 'p')} join ${names.delivery} d
        on d.message_key = p.message_key and d.endpoint_key = p.endpoint_key
      where d.state <> 'pending' and ${IS_INLINE} and ${sql.limitsIdle}${sql.lock('for update of d skip locked')})`)
  const deleteQueue = sql.statement(`delete from ${names.queue} where endpoint_key in (
    select key from ${names.endpoint} where deleted_on < $1)`)
  // One whose message was stored since does not need its event, however long it stays pending.
  const firstEvent = `select min(d.event_seq) as first from ${names.delivery} d
    where d.event_seq is not null and ${IS_INLINE}`

  return {
    /**
     * Deletes messages from before a time, with their deliveries, unless one of those is pending.
     *
     * @param after - the message to go on after; 0 to begin.
     * @param limit - at most so many are looked at.
     * @returns the last one that was looked at; undefined when there was none.
     */
    async purge(createdBefore: number, after: number, limit: number): Promise<number | undefined> {
      const rows = await readRows(db, { key: integer, created_on: integer }, next, [after, limit])
      const old = rows.filter((row) => row.created_on < createdBefore).map(({ key }) => key)
      if (old.length === 0) return undefined
      const list = JSON.stringify(old)
      await ownTransaction(db, async (trx) => {
        await runStatement(trx, deleteDeliveries, [list])
        await runStatement(trx, deleteAttempts, [list])
        await runStatement(trx, deleteMessages, [list])
      })
      return old.at(-1)
    },

    /**
     * Deletes deliveries from before a time.
     *
     * @param after - where to go on; undefined to begin.
     * @returns the last row that was looked at; undefined when none was old.
     */
    async purgeStraight(
      createdBefore: number,
      after: StraightMark | undefined,
      limit: number,
    ): Promise<StraightMark | undefined> {
      const from = [after?.eventSequence ?? -1, after?.messageKey ?? -1]
      const rows = await readRows(db, oldestColumns, oldestStraight, [...from, limit])
      const old = rows.filter((row) => row.created_on < createdBefore)
      if (old.length === 0) return undefined
      await ownTransaction(db, (trx) => runStatement(trx, deleteStraight, [pairs.encode(old)]))
      const last = rows.at(-1) as (typeof rows)[number]
      return { eventSequence: last.event_seq, messageKey: last.message_key }
    },

    /** Deletes from the queue the rows of endpoints that were deleted before a time, and had attempts in flight then. */
    async purgeQueue(deletedBefore: number): Promise<void> {
      await runStatement(db, deleteQueue, [deletedBefore])
    },

    /** The first event that a delivery needs to stay in the log; undefined where none does. */
    async firstEventNeeded(): Promise<number | undefined> {
      const [row] = await readRows(db, { first: nullable(integer) }, firstEvent)
      return row?.first ?? undefined
    },
  }
}
