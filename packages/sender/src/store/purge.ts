import { integer, ownTransaction, readRows, runStatement } from '@x/events-engine/internal'
import type { StoreContext } from './context.ts'

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
  }
}
