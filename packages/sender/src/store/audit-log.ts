import {
  countChanges,
  integer,
  json,
  nullable,
  readRows,
  runStatement,
  type SqlExecutor,
  text,
  word,
} from '@x/events-engine/internal'
import { type AuditAction, type AuditDetails, type AuditEntry, entryIdOf } from '../audit/audit-entry.ts'
import type { StoredJobOptions } from '../bulk/job.ts'
import type { DisabledReason } from '../endpoints/endpoint.ts'
import type { StoreContext } from './context.ts'

/** What is written down of a change. */
export interface AuditRecord {
  readonly action: AuditAction
  readonly actor: string | null
  readonly details?: AuditDetails
  /** The delivery of the endpoint that it is about. */
  readonly messageKey?: number
}

/** Which entries to read. */
export interface AuditFilter {
  readonly tenantId: number
  readonly endpointId: string | undefined
  readonly before: number
  readonly limit: number
}

const entryColumns = {
  key: integer,
  tenant_id: integer,
  endpoint_id: nullable(text),
  action: word<AuditAction>(),
  actor: nullable(text),
  details: json<AuditDetails>(),
  created_on: integer,
}

/** A time for which an endpoint was disabled. */
export interface DisabledTime {
  readonly since: number
  /** Null where it still is. */
  readonly until: number | null
  readonly reason: DisabledReason
}

const disabledColumns = {
  endpoint_key: integer,
  details: json<AuditDetails>(),
  since: integer,
  until_on: nullable(integer),
}

/** Creates what writes down a change of an endpoint, in the transaction of the change. */
export function auditWriter({ sql, names }: Pick<StoreContext, 'sql' | 'names'>) {
  const insert = sql.statement(`insert into ${names.auditLog}
      (tenant_id, endpoint_key, message_key, action, actor, details, created_on)
    select tenant_id, key, ${sql.cast('$2', 'integer')}, ${sql.cast('$3', 'text')}, ${sql.cast('$4', 'text')},
      ${sql.cast('$5', 'text')}, ${sql.cast('$6', 'integer')}
    from ${names.endpoint} where key = $1`)

  return async (
    trx: SqlExecutor,
    endpointKey: number,
    { action, actor, details = {}, messageKey }: AuditRecord,
    now: number,
  ): Promise<void> => {
    await runStatement(trx, insert, [
      endpointKey,
      messageKey ?? null,
      action,
      actor,
      JSON.stringify(details),
      now,
    ])
  }
}

/** Creates what writes down a change of a tenant's, in the transaction of the change. The key 0 stands for no one endpoint. */
export function tenantAuditWriter({ sql, names }: Pick<StoreContext, 'sql' | 'names'>) {
  const insert = sql.statement(`insert into ${names.auditLog}
    (tenant_id, endpoint_key, action, actor, details, created_on) values ($1, $2, $3, $4, $5, $6)`)

  return async (
    trx: SqlExecutor,
    { tenantId, endpointKey }: { readonly tenantId: number; readonly endpointKey: number },
    { action, actor, details = {} }: Omit<AuditRecord, 'messageKey'>,
    now: number,
  ): Promise<void> => {
    const values = [tenantId, endpointKey, action, actor, JSON.stringify(details), now]
    await runStatement(trx, insert, values)
  }
}

/** Who has changed what. */
export function auditLogStore(context: StoreContext) {
  const { db, sql, names } = context
  const write = auditWriter(context)
  const ofTenant =
    sql.statement(`select a.key, a.tenant_id, e.id as endpoint_id, a.action, a.actor, a.details, a.created_on
    from ${names.auditLog} a left join ${names.endpoint} e on e.key = a.endpoint_key
    where a.tenant_id = $1 and a.key < $2 order by a.key desc limit $3`)
  const ofEndpoint =
    sql.statement(`select a.key, a.tenant_id, e.id as endpoint_id, a.action, a.actor, a.details, a.created_on
    from ${names.endpoint} e join ${names.auditLog} a on a.endpoint_key = e.key
    where e.id = $4 and e.tenant_id = $1 and a.key < $2 order by a.key desc limit $3`)
  // Keys ascend with time: what is old comes first, and needs no index of its own.
  const purgeOld = sql.statement(`delete from ${names.auditLog} where key in (
    select key from (select key, created_on from ${names.auditLog} order by key limit $2) first where created_on < $1)`)
  const purgeTenant = sql.statement(`delete from ${names.auditLog} where key in (
    select key from ${names.auditLog} where tenant_id = $1 limit $2)`)

  const actor = sql.statement(`select actor from ${names.auditLog}
    where endpoint_key = $1 and action = $2 and created_on = $3
      and (message_key is null or message_key = ${sql.cast('$4', 'integer')})
    order by key desc limit 1`)
  // Of jobs, no delivery has an entry of its own: those that cancelled deliveries of the endpoint at the time.
  const cancelJobs = sql.statement(`select j.options from ${names.endpoint} e join ${names.job} j
      on j.tenant_id = e.tenant_id and j.endpoint_key in (0, e.key)
    where e.key = $1 and j.kind = 'cancel' and j.created_on <= $2 and coalesce(j.finished_on, $2) >= $2 limit 10`)
  const latest = `select max(b.key) from ${names.auditLog} b where b.endpoint_key = e.key and b.created_on <= $2
      and b.action in ('endpoint_disabled', 'endpoint_enabled')`
  const disabled = sql.statement(`select e.key as endpoint_key, a.details, a.created_on as since,
      (select min(b.created_on) from ${names.auditLog} b
        where b.endpoint_key = e.key and b.key > a.key and b.action = 'endpoint_enabled') as until_on
    from ${names.endpoint} e join ${names.auditLog} a on a.key = (${latest})
    where a.action = 'endpoint_disabled' and ${sql.isListed('e.key', '$1')}`)

  return {
    /** The actor who has changed an endpoint, or a delivery, at a time; undefined where the entry names none. */
    async actorOf(
      endpointKey: number,
      { action, on, messageKey }: { action: AuditAction; on: number; messageKey?: number },
    ): Promise<string | undefined> {
      const values = [endpointKey, action, on, messageKey ?? null]
      const [row] = await readRows(db, { actor: nullable(text) }, actor, values)
      if (row || action !== 'delivery_cancelled') return row?.actor ?? undefined
      const jobs = await readRows(db, { options: json<StoredJobOptions>() }, cancelJobs, [endpointKey, on])
      const [by, ...others] = new Set(jobs.map(({ options }) => options.by))
      return others.length === 0 ? by : undefined
    },

    /** Which of these endpoints were disabled at a time. */
    async disabledAt(endpointKeys: readonly number[], time: number): Promise<Map<number, DisabledTime>> {
      const values = [JSON.stringify(endpointKeys), time]
      const rows = await readRows(db, disabledColumns, disabled, values)
      return new Map(
        rows.map(({ endpoint_key: key, since, until_on: until, details }) => [
          key,
          { since, until, reason: details.reason ?? 'manual' },
        ]),
      )
    },

    /** Writes down what changes nothing that is stored. */
    noteAudit: (endpointKey: number, record: AuditRecord, now: number): Promise<void> =>
      write(db, endpointKey, record, now),

    async listAuditLog({ tenantId, endpointId, before, limit }: AuditFilter): Promise<AuditEntry[]> {
      const values = [tenantId, before, limit]
      const rows =
        endpointId === undefined
          ? await readRows(db, entryColumns, ofTenant, values)
          : await readRows(db, entryColumns, ofEndpoint, [...values, endpointId])
      return rows.map((row) => ({
        id: entryIdOf(row.key),
        tenantId: row.tenant_id,
        ...(row.endpoint_id === null ? {} : { endpointId: row.endpoint_id }),
        action: row.action,
        ...(row.actor === null ? {} : { actor: row.actor }),
        details: row.details,
        createdOn: new Date(row.created_on),
      }))
    },

    /** Deletes some of the entries from before a time. @returns how many. */
    purgeAuditLog: (before: number, limit: number): Promise<number> =>
      countChanges(db, purgeOld, [before, limit]),

    /** Deletes some of a tenant's entries. @returns how many. */
    purgeAuditLogOf: (tenantId: number, limit: number): Promise<number> =>
      countChanges(db, purgeTenant, [tenantId, limit]),
  }
}
