import {
  countChanges,
  findsRow,
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
import { createQueueLock, IDLE_LIMIT, raiseRevisionStatement } from './lock-queue.ts'
import { keysOf } from './stored-values.ts'

const pairColumns = { message_key: integer, endpoint_key: integer }

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
  const endpointsLeft = `select e.key from ${names.endpoint} e
    where e.tenant_id = $1 and exists (select from ${names.delivery} d where d.endpoint_key = e.key) order by e.key limit 1`
  // An attempt's record that has come in time is waited for, and another purge, in the order of keys: of one
  // endpoint, so that an index gives that order.
  const deliveries = `with first as materialized (${endpointsLeft}), chosen as materialized (
      select d.message_key, d.endpoint_key from ${names.delivery} d cross join ${IDLE_LIMIT} idle
      where d.endpoint_key = (select key from first) and idle.set is not null
      order by d.message_key limit $2 for update of d
    )
    delete from ${names.delivery} d using chosen
    where d.message_key = chosen.message_key and d.endpoint_key = chosen.endpoint_key
    returning d.message_key, d.endpoint_key`
  const attempts = `delete from ${names.attempt} a
    using json_to_recordset($1::text::json) as p(message_key bigint, endpoint_key bigint)
    where a.message_key = p.message_key and a.endpoint_key = p.endpoint_key`
  const messages = `delete from ${names.message} m where m.key = ${listed}
    and not exists (select from ${names.delivery} d where d.message_key = m.key)`
  const messageWindow = `select max(key) as last, count(*) filter (where tenant_id = $1) as found
    from (select key, tenant_id from ${names.message} where key > $2 order by key limit $3) w`
  const takeMessages = `select m.key from ${names.message} m cross join ${IDLE_LIMIT} idle
    where m.key > $1 and m.key <= $2 and m.tenant_id = $3 and idle.set is not null order by m.key for update of m`
  const deliveriesOf = `delete from ${names.delivery} where message_key = ${listed}`
  const attemptsOf = `delete from ${names.attempt} where message_key = ${listed}`
  const messagesOf = `delete from ${names.message} where key = ${listed}`
  const lockQueue = createQueueLock(names)
  // What a fan-out or a change of an endpoint has stored that was under way when the endpoints were closed.
  const leftOvers = [names.secret, names.certificate, names.queue].map(
    (table) =>
      `delete from ${table} where endpoint_key in (select key from ${names.endpoint} where tenant_id = $1)`,
  )
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

  function purgeSome(tenantId: number, limit: number): Promise<number> {
    return ownTransaction(db, async (trx) => {
      const rows = await readRows(trx, pairColumns, deliveries, [tenantId, limit])
      await runStatement(trx, attempts, [JSON.stringify(rows)])
      const keys = [...new Set(rows.map((row) => row.message_key))]
      await runStatement(trx, messages, [JSON.stringify(keys)])
      return rows.length
    })
  }

  return {
    closeTenant: (tenantId, now) =>
      changing(async (trx) => {
        const rows = await readRows(trx, { key: integer }, close, [tenantId, now])
        const keys = rows.map(({ key }) => key)
        await lockQueue(trx, keys)
        for (const statement of ofEndpoints) await runStatement(trx, statement, [JSON.stringify(keys)])
        return keys
      }),

    async purgeDeliveries(tenantId, limit) {
      for (;;) {
        const count = await purgeSome(tenantId, limit)
        // Those that were chosen may have gone with another purge while this one waited for them.
        if (count > 0 || !(await findsRow(db, endpointsLeft, [tenantId]))) return count
      }
    },

    async purgeMessages(tenantId, after, limit) {
      const [row] = await readRows(db, { last: nullable(integer), found: integer }, messageWindow, [
        tenantId,
        after,
        limit,
      ])
      if (row?.last == null) return { deliveries: 0, last: undefined }
      const { last, found } = row
      if (found === 0) return { deliveries: 0, last }
      return ownTransaction(db, async (trx) => {
        const taken = await readRows(trx, { key: integer }, takeMessages, [after, last, tenantId])
        const keys = JSON.stringify(taken.map(({ key }) => key))
        const purged = await countChanges(trx, deliveriesOf, [keys])
        await runStatement(trx, attemptsOf, [keys])
        await runStatement(trx, messagesOf, [keys])
        return { deliveries: purged, last }
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
