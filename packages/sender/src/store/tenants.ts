import {
  countChanges,
  findsRow,
  integer,
  nullable,
  ownTransaction,
  readRows,
  runStatement,
  type SqlExecutor,
} from '@x/events-engine/internal'
import type { StoreContext } from './context.ts'
import { raiseRevisionStatement } from './endpoints.ts'
import { queueStatements } from './queue.ts'

/** What one batch has deleted. */
export interface PurgedMessages {
  /** Deliveries, with their attempts. */
  readonly deliveries: number
  /** The key to go on after; undefined at the end. */
  readonly last: number | undefined
}

const pairColumns = { message_key: integer, endpoint_key: integer }

/** Takes a tenant away, in small transactions, each of which begins with a write. */
export function tenantStore(context: StoreContext) {
  const { db, sql, names } = context
  const pairs = sql.records({ message_key: 'integer', endpoint_key: 'integer' })
  const raiseRevision = raiseRevisionStatement(context)
  const { lockQueue } = queueStatements(context)
  const close = sql.statement(`update ${names.endpoint}
    set deleted_on = coalesce(deleted_on, $2), enabled = false, headers = '{}', version = version + 1, updated_on = $2
    where tenant_id = $1 returning key`)
  const ofEndpoints = [names.secret, names.certificate, names.apiKey, names.sequence, names.queue].map(
    (table) => sql.statement(`delete from ${table} where ${sql.isListed('endpoint_key', '$1')}`),
  )
  const endpointsLeft = `select e.key from ${names.endpoint} e
    where e.tenant_id = $1 and exists (select 1 from ${names.delivery} d where d.endpoint_key = e.key)
    order by e.key limit 1`
  const anyEndpointLeft = sql.statement(endpointsLeft)
  // An attempt's record that has come in time is waited for, and another purge, in the order of keys: of one
  // endpoint, so that an index gives that order.
  const takeDeliveries = sql.statement(`select d.message_key, d.endpoint_key from ${names.delivery} d
    where ${sql.limitsIdle} and d.endpoint_key = (${endpointsLeft}) order by d.message_key limit $2${sql.lock('for update of d')}`)
  const ofPairs = (table: string) =>
    sql.statement(`delete from ${table} where (message_key, endpoint_key) in (
      select p.message_key, p.endpoint_key from ${pairs.table('$1', 'p')})`)
  const deliveries = ofPairs(names.delivery)
  const attempts = ofPairs(names.attempt)
  const isListed = (key: string) => sql.isListed(key, '$1')
  const messages = sql.statement(`delete from ${names.message} where ${isListed('key')}
    and not exists (select 1 from ${names.delivery} d where d.message_key = ${names.message}.key)`)
  const messageWindow =
    sql.statement(`select max(key) as last, count(case when tenant_id = $1 then 1 end) as found
    from (select key, tenant_id from ${names.message} where key > $2 order by key limit $3) w`)
  const takeMessages = sql.statement(`select m.key from ${names.message} m
    where ${sql.limitsIdle} and m.key > $1 and m.key <= $2 and m.tenant_id = $3 order by m.key${sql.lock('for update of m')}`)
  const deliveriesOf = sql.statement(`delete from ${names.delivery} where ${isListed('message_key')}`)
  const attemptsOf = sql.statement(`delete from ${names.attempt} where ${isListed('message_key')}`)
  const messagesOf = sql.statement(`delete from ${names.message} where ${isListed('key')}`)
  // What a fan-out or a change of an endpoint has stored that was under way when the endpoints were closed.
  const leftOvers = [names.secret, names.certificate, names.apiKey, names.sequence, names.queue].map(
    (table) =>
      sql.statement(
        `delete from ${table} where endpoint_key in (select key from ${names.endpoint} where tenant_id = $1)`,
      ),
  )
  const jobs = sql.statement(`delete from ${names.job} where tenant_id = $1`)
  const endpoints = sql.statement(
    `delete from ${names.endpoint} where tenant_id = $1 and deleted_on is not null`,
  )
  const statistics =
    sql.statement(`delete from ${names.statistic} where (tenant_id, endpoint_key, seconds, from_on) in (
    select tenant_id, endpoint_key, seconds, from_on from ${names.statistic} where tenant_id = $1 limit $2)`)

  function changing<TResult>(work: (trx: SqlExecutor) => Promise<TResult>): Promise<TResult> {
    return ownTransaction(db, async (trx) => {
      await runStatement(trx, raiseRevision)
      return work(trx)
    })
  }

  function purgeSome(tenantId: number, limit: number): Promise<number> {
    return ownTransaction(db, async (trx) => {
      const rows = await readRows(trx, pairColumns, takeDeliveries, [tenantId, limit])
      if (rows.length === 0) return 0
      const taken = pairs.encode(rows)
      const purged = await countChanges(trx, deliveries, [taken])
      await runStatement(trx, attempts, [taken])
      await runStatement(trx, messages, [JSON.stringify([...new Set(rows.map((row) => row.message_key))])])
      return purged
    })
  }

  return {
    /**
     * Deletes the tenant's endpoints, as one by one: from then on nothing is sent to them, and results of
     * attempts under way are not recorded.
     *
     * @returns their keys, those deleted before included.
     */
    closeTenant: (tenantId: number, now: number): Promise<number[]> =>
      changing(async (trx) => {
        const rows = await readRows(trx, { key: integer }, close, [tenantId, now])
        const keys = rows.map(({ key }) => key)
        await lockQueue(trx, keys)
        for (const statement of ofEndpoints) await runStatement(trx, statement, [JSON.stringify(keys)])
        return keys
      }),

    /**
     * Deletes some of the deliveries, with their attempts, and messages that no other tenant has deliveries of.
     *
     * @returns how many; 0 only where none is left.
     */
    async purgeDeliveries(tenantId: number, limit: number): Promise<number> {
      for (;;) {
        const count = await purgeSome(tenantId, limit)
        // Those that were chosen may have gone with another purge while this one waited for them.
        if (count > 0 || !(await findsRow(db, anyEndpointLeft, [tenantId]))) return count
      }
    },

    /** Deletes the tenant's messages among the next ones, and all deliveries of them. */
    async purgeMessages(tenantId: number, after: number, limit: number): Promise<PurgedMessages> {
      const windowColumns = { last: nullable(integer), found: integer }
      const [row] = await readRows(db, windowColumns, messageWindow, [tenantId, after, limit])
      const last = row?.last ?? undefined
      if (last === undefined || row?.found === 0) return { deliveries: 0, last }
      return ownTransaction(db, async (trx) => {
        const taken = await readRows(trx, { key: integer }, takeMessages, [after, last, tenantId])
        const keys = JSON.stringify(taken.map(({ key }) => key))
        const purged = await countChanges(trx, deliveriesOf, [keys])
        await runStatement(trx, attemptsOf, [keys])
        await runStatement(trx, messagesOf, [keys])
        return { deliveries: purged, last }
      })
    },

    /** Deletes what is left of the endpoints, and their jobs. */
    purgeEndpoints: (tenantId: number): Promise<number> =>
      changing(async (trx) => {
        for (const statement of leftOvers) await runStatement(trx, statement, [tenantId])
        await runStatement(trx, jobs, [tenantId])
        return countChanges(trx, endpoints, [tenantId])
      }),

    /** @returns how many. */
    purgeStatistics: (tenantId: number, limit: number): Promise<number> =>
      countChanges(db, statistics, [tenantId, limit]),
  }
}
