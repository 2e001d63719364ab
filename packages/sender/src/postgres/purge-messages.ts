import { integer, ownTransaction, readRows, runStatement } from '@x/events-engine/internal'
import type { Kysely } from 'kysely'
import type { DeliveryStore } from '../delivery-store.ts'
import type { TableNames } from '../table-names.ts'
import { IDLE_LIMIT } from './lock-queue.ts'
import { keysOf } from './stored-values.ts'

/** Deletes what is old. Keys ascend with time, so that no index on the time is needed. */
export function purgeStatements(db: Kysely<unknown>, names: TableNames): Pick<DeliveryStore, 'purge'> {
  const next = `select key, created_on from ${names.message} where key > $1 order by key limit $2`
  const listed = `any(${keysOf('$1')})`
  // What somebody is changing just now is left for the next time.
  const deleteDeliveries = `delete from ${names.delivery} where (message_key, endpoint_key) in (
    select d.message_key, d.endpoint_key from ${names.delivery} d cross join ${IDLE_LIMIT} idle
    where d.message_key = ${listed} and d.state <> 'pending' and idle.set is not null for update of d skip locked)`
  const isLeft = (key: string, endpoint: string) =>
    `exists (select from ${names.delivery} d where d.message_key = ${key} ${endpoint})`
  const deleteAttempts = `delete from ${names.attempt} a where a.message_key = ${listed}
    and not ${isLeft('a.message_key', 'and d.endpoint_key = a.endpoint_key')}`
  const deleteMessages = `delete from ${names.message} m where m.key = ${listed} and not ${isLeft('m.key', '')}`

  return {
    async purge(createdBefore, after, limit) {
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
