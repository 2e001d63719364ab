import { integer, ownTransaction, readRows, runStatement } from '@x/events-engine/internal'
import type { Kysely } from 'kysely'
import type { DeliveryStore } from '../delivery-store.ts'
import type { TableNames } from '../table-names.ts'

/** Deletes what is old. Keys ascend with time, so that no index on the time is needed. */
export function purgeStatements(db: Kysely<unknown>, names: TableNames): Pick<DeliveryStore, 'purge'> {
  const next = `select key, created_on from ${names.message} where key > ? order by key limit ?`
  const keys = 'select value from json_each(?)'
  const deleteDeliveries = `delete from ${names.delivery} where message_key in (${keys}) and state <> 'pending'`
  const deleteAttempts = `delete from ${names.attempt} where message_key in (${keys})
    and (message_key, endpoint_key) not in (
      select message_key, endpoint_key from ${names.delivery} where message_key in (${keys}))`
  const deleteMessages = `delete from ${names.message} where key in (${keys})
    and key not in (select message_key from ${names.delivery} where message_key in (${keys}))`

  return {
    async purge(createdBefore, after, limit) {
      const rows = await readRows(db, { key: integer, created_on: integer }, next, [after, limit])
      const old = rows.filter((row) => row.created_on < createdBefore).map(({ key }) => key)
      if (old.length === 0) return undefined
      const list = JSON.stringify(old)
      await ownTransaction(db, async (trx) => {
        await runStatement(trx, deleteDeliveries, [list])
        await runStatement(trx, deleteAttempts, [list, list])
        await runStatement(trx, deleteMessages, [list, list])
      })
      return old.at(-1)
    },
  }
}
