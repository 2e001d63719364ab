import { countChanges, ownTransaction, runStatement, type SqlExecutor } from '@x/events-engine/support'
import type { Kysely } from 'kysely'
import type { TableNames } from '../table-names.ts'
import type { TenantStore } from '../tenants/tenant-store.ts'
import { createQueueLock, IDLE_LIMIT, raiseRevisionStatement } from './lock-queue.ts'
import { keysOf, type StoredNumber } from './stored-values.ts'

/** Takes a tenant away, in small transactions. */
export function purgeTenantStatements(db: Kysely<unknown>, names: TableNames): TenantStore {
  const raiseRevision = raiseRevisionStatement(names)
  const close = `update ${names.endpoint} set deleted_on = coalesce(deleted_on, $2), enabled = false, headers = '{}',
      version = version + 1, updated_on = $2
    where tenant_id = $1 returning key`
  const listed = `any(${keysOf('$1')})`
  const ofEndpoints = [names.secret, names.certificate, names.queue].map(
    (table) => `delete from ${table} where endpoint_key = ${listed}`,
  )
  // An attempt's record that has come in time is waited for.
  const deliveries = `with chosen as materialized (
      select d.message_key, d.endpoint_key from ${names.endpoint} e join ${names.delivery} d on d.endpoint_key = e.key
      cross join ${IDLE_LIMIT} idle where e.tenant_id = $1 and idle.set is not null limit $2
    )
    delete from ${names.delivery} d using chosen
    where d.message_key = chosen.message_key and d.endpoint_key = chosen.endpoint_key
    returning d.message_key, d.endpoint_key`
  const attempts = `delete from ${names.attempt} a
    using json_to_recordset($1) as p(message_key bigint, endpoint_key bigint)
    where a.message_key = p.message_key and a.endpoint_key = p.endpoint_key`
  const messages = `delete from ${names.message} m where m.key = ${listed}
    and not exists (select from ${names.delivery} d where d.message_key = m.key)`
  const lockQueue = createQueueLock(names)
  const jobs = `delete from ${names.job} where tenant_id = $1`
  const endpoints = `delete from ${names.endpoint} where tenant_id = $1 and deleted_on is not null`
  const statistics = `delete from ${names.statistic} where (tenant_id, endpoint_key, seconds, from_on) in (
    select tenant_id, endpoint_key, seconds, from_on from ${names.statistic} where tenant_id = $1 limit $2)`

  function changing<TResult>(work: (trx: SqlExecutor) => Promise<TResult>): Promise<TResult> {
    return ownTransaction(db, async (trx) => {
      await runStatement(trx, raiseRevision)
      return work(trx)
    })
  }

  return {
    closeTenant: (tenantId, now) =>
      changing(async (trx) => {
        const rows = await runStatement<{ key: StoredNumber }>(trx, close, [tenantId, now])
        const keys = rows.map(({ key }) => Number(key))
        await lockQueue(trx, keys)
        for (const statement of ofEndpoints) await runStatement(trx, statement, [JSON.stringify(keys)])
        return keys
      }),

    purgeDeliveries: (tenantId, limit) =>
      ownTransaction(db, async (trx) => {
        const rows = await runStatement<{ message_key: StoredNumber; endpoint_key: StoredNumber }>(
          trx,
          deliveries,
          [tenantId, limit],
        )
        await runStatement(trx, attempts, [JSON.stringify(rows)])
        const keys = [...new Set(rows.map((row) => Number(row.message_key)))]
        await runStatement(trx, messages, [JSON.stringify(keys)])
        return rows.length
      }),

    purgeEndpoints: (tenantId) =>
      changing(async (trx) => {
        await runStatement(trx, jobs, [tenantId])
        return countChanges(trx, endpoints, [tenantId])
      }),

    purgeStatistics: (tenantId, limit) => countChanges(db, statistics, [tenantId, limit]),
  }
}
