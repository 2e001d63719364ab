import { captureDialectOf } from '../capture/capture-dialects.ts'
import { integer, nullable, text } from '../sql/columns.ts'
import { countChanges, type Parameter, readRows, runStatement, type Statement } from '../sql/database.ts'
import type { LogContext } from './context.ts'

/** The result of one batch of a purge. */
export interface PurgedBatch {
  /** Rows deleted. */
  readonly count: number
  /** The key to go on after; undefined at the end. */
  readonly last: string | undefined
}

const windowColumns = { last: nullable(text), found: integer }

/**
 * Creates the statements that delete a tenant's data, a batch at a time. Each call is a transaction of its own. The log has no
 * index on tenants, so it is scanned by its sequence.
 */
export function tenantStatements({ db, sql, names }: LogContext) {
  const { statement, isChosen, lock } = sql
  const asText = (expression: string) => `cast(${expression} as text)`
  const key = (parameter: string) => `cast(${parameter} as bigint)`
  const last = `select ${asText('max(seq)')} as last from ${names.syncEvent}`
  const window =
    statement(`select ${asText('max(seq)')} as last, count(case when tenant_id = $1 then 1 end) as found
    from (select seq, tenant_id from ${names.syncEvent} where seq > ${key('$2')} order by seq limit $3) w`)
  // In the order of keys, so that two purges do not wait for each other in a circle.
  const chosen = (column: string, query: string) => isChosen(column, `${query}${lock('for update')}`)
  const remove = statement(
    `delete from ${names.syncEvent} where ${chosen(
      'seq',
      `select seq from ${names.syncEvent}
      where seq > ${key('$1')} and seq <= ${key('$2')} and tenant_id = $3 order by seq`,
    )}`,
  )
  const parkedTenant = sql.jsonNumber('event', 'tenant_id')
  const parkedWindow =
    statement(`select ${asText('max(id)')} as last, count(case when ${parkedTenant} = $1 then 1 end) as found
    from (select id, event from ${names.parkedEvent} where id > ${key('$2')} order by id limit $3) w`)
  const removeParked = statement(
    `delete from ${names.parkedEvent} where ${chosen(
      'id',
      `select id from ${names.parkedEvent}
      where id > ${key('$1')} and id <= ${key('$2')} and ${parkedTenant} = $3 order by id`,
    )}`,
  )
  const subscriptions = `select name from ${names.subscription} order by name`
  const settle = statement(`select name from ${names.subscription} where name = $1${lock('for share')}`)
  const forget =
    statement(`update ${names.subscription} set last_error = null, failed_tenant_id = null, failed_attempts = 0,
      state = case state when 'blocked' then 'active' else state end, revision = revision + 1
    where failed_tenant_id = $1`)

  const captured = captureDialectOf(sql.name).clearStatements(names)

  async function purgeWindow(
    look: Statement,
    parameters: readonly Parameter[],
    removal: (upto: string) => Promise<number>,
  ): Promise<PurgedBatch> {
    const [row] = await readRows(db, windowColumns, look, parameters)
    const upto = row?.last ?? undefined
    if (upto === undefined) return { count: 0, last: undefined }
    return { count: (row?.found ?? 0) > 0 ? await removal(upto) : 0, last: upto }
  }

  return {
    /** The greatest sequence in the log; `'0'` for an empty one. */
    async lastSequence(): Promise<string> {
      const [row] = await readRows(db, { last: nullable(text) }, last)
      return row?.last ?? '0'
    },

    /**
     * Deletes the tenant's events among the next rows of the log.
     *
     * @param after - look behind this sequence.
     * @param limit - rows to look at.
     */
    purgeTenantEvents: (tenantId: number, after: string, limit: number): Promise<PurgedBatch> =>
      purgeWindow(window, [tenantId, after, limit], (upto) =>
        countChanges(db, remove, [after, upto, tenantId]),
      ),

    /** Waits for the batches that are being handled in a transaction, one subscription after the other. */
    async settleBatches(): Promise<void> {
      // Where there is one writer, nothing is under way while this runs.
      if (sql.isLocal) return
      for (const { name } of await readRows(db, { name: text }, subscriptions)) {
        await runStatement(db, settle, [name])
      }
    },

    /** Deletes the tenant's events among the next parked ones. */
    purgeTenantParked: (tenantId: number, after: string, limit: number): Promise<PurgedBatch> =>
      purgeWindow(parkedWindow, [tenantId, after, limit], (upto) =>
        countChanges(db, removeParked, [after, upto, tenantId]),
      ),

    /** Forgets the errors of the tenant's events, and lets go on what one of them blocks. */
    async forgetTenantFailures(tenantId: number): Promise<void> {
      await countChanges(db, forget, [tenantId])
    },

    /** Deletes the rows that captures have remembered for a change that did not happen. */
    async clearCaptured(): Promise<void> {
      for (const statement of captured) await countChanges(db, statement)
    },
  }
}
