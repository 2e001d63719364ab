import {
  countChanges,
  integer,
  nullable,
  ownTransaction,
  readRows,
  runStatement,
  type SqlExecutor,
} from '@x/events-engine/support'
import type { Kysely } from 'kysely'
import type { TableNames } from '../table-names.ts'
import type { TenantStore } from '../tenants/tenant-store.ts'

const pairColumns = { message_key: integer, endpoint_key: integer }

/** Takes a tenant away, in small transactions, each of which begins with a write. */
export function purgeTenantStatements(db: Kysely<unknown>, names: TableNames): TenantStore {
  const raiseRevision = `update ${names.revision} set value = value + 1 where id = 1`
  const close = `update ${names.endpoint} set deleted_on = coalesce(deleted_on, ?), enabled = 0, headers = '{}',
      version = version + 1, updated_on = ?
    where tenant_id = ? returning key`
  const listed = 'select value from json_each(?)'
  const ofEndpoints = [names.secret, names.certificate, names.queue].map(
    (table) => `delete from ${table} where endpoint_key in (${listed})`,
  )
  const deliveries = `delete from ${names.delivery} where (message_key, endpoint_key) in (
      select d.message_key, d.endpoint_key from ${names.endpoint} e cross join ${names.delivery} d on d.endpoint_key = e.key
      where e.tenant_id = ? limit ?)
    returning message_key, endpoint_key`
  const attempts = `delete from ${names.attempt} where (message_key, endpoint_key) in (
    select value ->> 0, value ->> 1 from json_each(?))`
  const messages = `delete from ${names.message} where key in (${listed})
    and not exists (select 1 from ${names.delivery} d where d.message_key = ${names.message}.key)`
  const messageWindow = `select max(key) as last, count(case when tenant_id = ? then 1 end) as found
    from (select key, tenant_id from ${names.message} where key > ? order by key limit ?)`
  const ofTenant = `select key from ${names.message} where key > ? and key <= ? and tenant_id = ?`
  const deliveriesOf = `delete from ${names.delivery} where message_key in (${ofTenant})`
  const attemptsOf = `delete from ${names.attempt} where message_key in (${ofTenant})`
  const messagesOf = `delete from ${names.message} where key in (${ofTenant})`
  // What a fan-out or a change of an endpoint has stored that was under way when the endpoints were closed.
  const leftOvers = [names.secret, names.certificate, names.queue].map(
    (table) =>
      `delete from ${table} where endpoint_key in (select key from ${names.endpoint} where tenant_id = ?)`,
  )
  const jobs = `delete from ${names.job} where tenant_id = ?`
  const endpoints = `delete from ${names.endpoint} where tenant_id = ? and deleted_on is not null`
  const statistics = `delete from ${names.statistic} where (tenant_id, endpoint_key, seconds, from_on) in (
    select tenant_id, endpoint_key, seconds, from_on from ${names.statistic} where tenant_id = ? limit ?)`

  function changing<TResult>(work: (trx: SqlExecutor) => Promise<TResult>): Promise<TResult> {
    return ownTransaction(db, async (trx) => {
      await runStatement(trx, raiseRevision)
      return work(trx)
    })
  }

  return {
    closeTenant: (tenantId, now) =>
      changing(async (trx) => {
        const rows = await readRows(trx, { key: integer }, close, [now, now, tenantId])
        const keys = rows.map(({ key }) => key)
        for (const statement of ofEndpoints) await runStatement(trx, statement, [JSON.stringify(keys)])
        return keys
      }),

    purgeDeliveries: (tenantId, limit) =>
      ownTransaction(db, async (trx) => {
        const rows = await readRows(trx, pairColumns, deliveries, [tenantId, limit])
        const pairs = rows.map((row) => [row.message_key, row.endpoint_key])
        await runStatement(trx, attempts, [JSON.stringify(pairs)])
        await runStatement(trx, messages, [JSON.stringify([...new Set(pairs.map(([key]) => key))])])
        return rows.length
      }),

    async purgeMessages(tenantId, after, limit) {
      const [row] = await readRows(db, { last: nullable(integer), found: integer }, messageWindow, [
        tenantId,
        after,
        limit,
      ])
      const last = row?.last ?? undefined
      if (last === undefined || row?.found === 0) return { deliveries: 0, last }
      return ownTransaction(db, async (trx) => {
        const window = [after, last, tenantId]
        const deliveries = await countChanges(trx, deliveriesOf, window)
        await runStatement(trx, attemptsOf, window)
        await runStatement(trx, messagesOf, window)
        return { deliveries, last }
      })
    },

    purgeEndpoints: (tenantId) =>
      changing(async (trx) => {
        for (const statement of leftOvers) await runStatement(trx, statement, [tenantId])
        await runStatement(trx, jobs, [tenantId])
        return countChanges(trx, endpoints, [tenantId])
      }),

    purgeStatistics: (tenantId, limit) => countChanges(db, statistics, [tenantId, limit]),
  }
}
