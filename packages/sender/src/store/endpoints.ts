import {
  countChanges,
  flag,
  integer,
  isStorable,
  json,
  nullable,
  ownTransaction,
  readRows,
  runStatement,
  type SqlExecutor,
} from '@x/events-engine/internal'
import type { StoredCertificate } from '../endpoints/client-certificate.ts'
import type { DisabledReason } from '../endpoints/endpoint.ts'
import type { EndpointHealthState } from '../endpoints/endpoint-health.ts'
import {
  ALL_FIELDS,
  CHANGEABLE_FIELDS,
  CREATED_FIELDS,
  columnsOf,
  ENDPOINT_FIELDS,
  type EndpointChange,
  type EndpointFieldName,
  type EndpointFilterRow,
  type EndpointRow,
  FILTER_FIELDS,
  fieldsOf,
  type NewEndpointRow,
  readersOf,
  storedValuesOf,
} from '../endpoints/fields.ts'
import { type AuditRecord, auditWriter } from './audit-log.ts'
import { containing } from './containing.ts'
import type { StoreContext } from './context.ts'
import { queueStatements } from './queue.ts'
import { certificateWriter, type SecretRow, secretInsert } from './secrets.ts'

/** At most so many pending deliveries are cancelled by one statement. */
export const CANCEL_AT_ONCE = 5_000

/** In which order endpoints are listed: the newest first, or those that fail before. */
export type EndpointOrder = 'newest' | 'failing'

/** Which endpoints to list. */
export interface EndpointsToList {
  readonly tenantId: number
  readonly before?: string | undefined
  /** A text of the URL or the description. */
  readonly search?: string | undefined
  /** @defaultValue 'newest' */
  readonly order?: EndpointOrder
  /** Those that may do so; whether they do depends on the time. */
  readonly health?: EndpointHealthState | undefined
  readonly limit: number
}

const endpointColumns = {
  ...readersOf(ALL_FIELDS),
  certificate: nullable(json<StoredCertificate>()),
  failing_since: nullable(integer),
}
const filterColumns = { ...readersOf(FILTER_FIELDS), is_pull: flag }

/** SQL: the values of fields as parameters, from a number on; flags come as 0 and 1. */
const parametersOf = (names: readonly EndpointFieldName[], first: number) =>
  names.map((name, index) =>
    ENDPOINT_FIELDS[name].type === 'flag' ? `($${first + index} = 1)` : `$${first + index}`,
  )

/** Reads endpoints: `columns` of the endpoint table, under the name `e`. */
export function endpointReader({ sql, names }: Pick<StoreContext, 'sql' | 'names'>) {
  const certificate = sql.jsonObject({
    sealed: 'sealed',
    keyId: 'key_id',
    subject: 'subject',
    fingerprint: 'fingerprint',
    expiresOn: 'expires_on',
  })
  const columns = `${columnsOf(ALL_FIELDS)
    .map((column) => `e.${column}`)
    .join(', ')},
    (select failing_since from ${names.queue} where endpoint_key = e.key) as failing_since,
    (select ${certificate} from ${names.certificate} where endpoint_key = e.key) as certificate`

  return {
    columns,
    async read(
      executor: SqlExecutor,
      statement: Parameters<typeof readRows>[2],
      parameters: Parameters<typeof readRows>[3],
    ): Promise<EndpointRow[]> {
      const rows = await readRows(executor, endpointColumns, statement, parameters)
      return rows.map((row) => ({
        ...fieldsOf(ALL_FIELDS, row),
        certificate: row.certificate,
        failingSince: row.failing_since,
      }))
    },
  }
}

/** What every change of endpoints begins with. Fan-out waits for its end, on all nodes. */
export const raiseRevisionStatement = ({ sql, names }: Pick<StoreContext, 'sql' | 'names'>) =>
  sql.statement(`update ${names.revision} set value = value + 1 where ${sql.limitsIdle} and id = 1`)

/** Endpoints: what people do with them, and what fan-out reads of them. */
export function endpointStore(context: StoreContext) {
  const { db, sql, names, clock } = context
  const { columns, read } = endpointReader(context)
  const count = sql.statement(
    `select count(*) as count from ${names.endpoint} where tenant_id = $1 and deleted_on is null`,
  )
  const created = [...CREATED_FIELDS, ...CHANGEABLE_FIELDS]
  const updatedOn = `$${created.indexOf('createdOn') + 1}`
  const insert = sql.statement(`insert into ${names.endpoint} (${columnsOf(created).join(', ')}, updated_on)
    values (${parametersOf(created, 1).join(', ')}, ${updatedOn}) returning key`)
  const byId = sql.statement(
    `select ${columns} from ${names.endpoint} e where e.id = $1 and e.deleted_on is null`,
  )
  const byIds = sql.statement(
    `select ${columns} from ${names.endpoint} e where ${sql.isListed('e.id', '$1', 'text')} and e.deleted_on is null`,
  )
  const byKeys = sql.statement(
    `select ${columns} from ${names.endpoint} e where ${sql.isListed('e.key', '$1')} and e.deleted_on is null`,
  )
  const ranks: Readonly<Record<EndpointOrder, (endpoint: string) => string>> = {
    newest: () => '0',
    failing: (endpoint) => `case
      when ${endpoint}.enabled and (select failing_since from ${names.queue} where endpoint_key = ${endpoint}.key) is not null then 0
      when ${endpoint}.disabled_reason in ('failing', 'gone') then 1 else 2 end`,
  }
  const listBy = (order: EndpointOrder) => {
    const rank = ranks[order]
    const ofBefore = (value: string) => `(select ${value} from ${names.endpoint} b where b.id = $2)`
    return sql.statement(`select ${columns} from ${names.endpoint} e
      where e.tenant_id = $1 and e.deleted_on is null
        and (${sql.cast('$3', 'text')} is null or lower(e.url) like $3 escape '!' or lower(e.description) like $3 escape '!')
        and (${sql.cast('$5', 'text')} is null or case $5 when 'disabled' then not e.enabled when 'healthy' then e.enabled
          else e.enabled and exists (select 1 from ${names.queue} q
            where q.endpoint_key = e.key and (q.failing_since is not null or q.not_before > 0)) end)
        and (${sql.cast('$2', 'text')} is null or ${rank('e')} > ${ofBefore(rank('b'))}
          or (${rank('e')} = ${ofBefore(rank('b'))} and e.key < ${ofBefore('b.key')}))
      order by ${order === 'newest' ? '' : `${rank('e')}, `}e.key desc limit $4`)
  }
  const lists = { newest: listBy('newest'), failing: listBy('failing') }
  const changed = parametersOf(CHANGEABLE_FIELDS, 4)
  const assignments = columnsOf(CHANGEABLE_FIELDS).map((column, index) => `${column} = ${changed[index]}`)
  const change = sql.statement(`update ${names.endpoint}
    set ${assignments.join(', ')}, updated_on = $3, version = version + 1
    where key = $1 and version = $2 and deleted_on is null`)
  const enable = sql.statement(`update ${names.endpoint}
    set enabled = ($2 = 1), disabled_reason = $3, disabled_on = $4, version = version + 1, updated_on = $5
    where key = $1 and enabled <> ($2 = 1) and deleted_on is null`)
  const markDeleted = sql.statement(`update ${names.endpoint}
    set deleted_on = $2, enabled = false, headers = '{}', content_filter = null, version = version + 1, updated_on = $2
    where key = $1 and deleted_on is null`)
  const deleteSecrets = sql.statement(`delete from ${names.secret} where endpoint_key = $1`)
  const deleteApiKeys = sql.statement(`delete from ${names.apiKey} where endpoint_key = $1`)
  // While a node holds its lease, the row stays: by its epoch, the results of what is in flight are recorded. Retention deletes it.
  const deleteQueue = sql.statement(
    `delete from ${names.queue} where endpoint_key = $1 and leased_by is null`,
  )
  const closeQueue = sql.statement(`update ${names.queue} set due_on = null where endpoint_key = $1`)
  const deleteAlerts = sql.statement(`delete from ${names.alert} where endpoint_key = $1`)
  const requireProof = sql.statement(`update ${names.endpoint} set ownership = 'pending', enabled = false,
      disabled_reason = case when enabled then 'unverified' else disabled_reason end,
      disabled_on = case when enabled then $2 else disabled_on end
    where key = $1`)
  const prove =
    sql.statement(`update ${names.endpoint} set ownership = 'verified', version = version + 1, updated_on = $3,
      enabled = enabled or coalesce(disabled_reason = 'unverified', false),
      disabled_on = case when disabled_reason = 'unverified' then null else disabled_on end,
      disabled_reason = nullif(disabled_reason, 'unverified')
    where key = $1 and url = $2 and deleted_on is null`)
  // Shared with no change of an endpoint: either this fan-out sees the change, or the change waits
  // for it and finds everything that it has written.
  const readRevision = sql.statement(
    `select value from ${names.revision} where id = 1${sql.lock('for share')}`,
  )
  const filters =
    sql.statement(`select ${columnsOf(FILTER_FIELDS).join(', ')}, url is null as is_pull from ${names.endpoint}
    where enabled and deleted_on is null order by key`)
  const raiseRevision = raiseRevisionStatement(context)
  const insertSecret = secretInsert(context)
  const storeCertificate = certificateWriter(context)
  const { lockQueue, forgetFailures, requeue } = queueStatements(context)
  const cancelSome = cancelSomeStatement(context)
  const audit = auditWriter(context)

  /** Every change of endpoints raises the revision first, in the same transaction. */
  function changing<TResult>(work: (trx: SqlExecutor) => Promise<TResult>): Promise<TResult> {
    return ownTransaction(db, async (trx) => {
      await runStatement(trx, raiseRevision)
      return work(trx)
    })
  }

  async function countOf(executor: SqlExecutor, tenantId: number): Promise<number> {
    const [row] = await readRows(executor, { count: integer }, count, [tenantId])
    return row?.count ?? 0
  }

  /** As if it had never failed, with all its pending deliveries. */
  async function beginAnew(trx: SqlExecutor, endpointKey: number): Promise<void> {
    await lockQueue(trx, [endpointKey])
    await forgetFailures(trx, endpointKey)
    await requeue(trx, [endpointKey], clock.now())
  }

  return {
    /**
     * Each change raises the revision, by which fan-out knows that it must read the endpoints again.
     *
     * @param most - how many endpoints the tenant may have.
     * @returns false when it has as many already.
     */
    createEndpoint(
      row: NewEndpointRow,
      secret: SecretRow,
      actor: string | null = null,
      most = Number.POSITIVE_INFINITY,
    ): Promise<boolean> {
      return changing(async (trx) => {
        // One creation after the other, by the revision: those that are committed are counted, and no other is on its way.
        if ((await countOf(trx, row.tenantId)) >= most) return false
        const [inserted] = await readRows(trx, { key: integer }, insert, storedValuesOf(created, row))
        const { key } = inserted as { key: number }
        const { sealed, keyId, createdOn, expiresOn } = secret
        await runStatement(trx, insertSecret, [key, sealed, keyId, createdOn, expiresOn])
        await storeCertificate(trx, key, row.certificate)
        if (row.ownership === 'pending') await runStatement(trx, requireProof, [key, row.createdOn])
        await audit(trx, key, { action: 'endpoint_created', actor }, row.createdOn)
        return true
      })
    },

    /** @param id - of any tenant's; a text that is no id finds nothing. */
    async findEndpoint(id: string): Promise<EndpointRow | undefined> {
      return isStorable(id) ? (await read(db, byId, [id]))[0] : undefined
    },

    /** Those of some ids, of any tenant's, that are there. */
    findEndpoints(ids: readonly string[]): Promise<EndpointRow[]> {
      return read(db, byIds, [JSON.stringify(ids.filter(isStorable))])
    },

    async readEndpoint(endpointKey: number): Promise<EndpointRow | undefined> {
      return (await read(db, byKeys, [JSON.stringify([endpointKey])]))[0]
    },

    readEndpoints(endpointKeys: readonly number[]): Promise<EndpointRow[]> {
      return read(db, byKeys, [JSON.stringify(endpointKeys)])
    },

    listEndpoints({
      tenantId,
      before,
      search,
      order = 'newest',
      health,
      limit,
    }: EndpointsToList): Promise<EndpointRow[]> {
      const pattern = search === undefined ? null : containing(search)
      return read(db, lists[order], [tenantId, before ?? null, pattern, limit, health ?? null])
    },

    countEndpoints(tenantId: number): Promise<number> {
      return countOf(db, tenantId)
    },

    /**
     * @param mustProve - its owner has to be asked again: it gets nothing until that is done.
     * @param record - what to write down of it, if anything.
     * @returns false when the endpoint is at another version by now.
     */
    changeEndpoint(
      { key, version }: Pick<EndpointRow, 'key' | 'version'>,
      to: EndpointChange,
      now: number,
      mustProve: boolean,
      record?: AuditRecord,
    ): Promise<boolean> {
      const values = [key, version, now, ...storedValuesOf(CHANGEABLE_FIELDS, to)]
      return changing(async (trx) => {
        const isChanged = (await countChanges(trx, change, values)) === 1
        if (isChanged) await storeCertificate(trx, key, to.certificate)
        if (isChanged && mustProve) await runStatement(trx, requireProof, [key, now])
        if (isChanged && record) await audit(trx, key, record, now)
        return isChanged
      })
    },

    /**
     * The owner of a URL has answered the challenge: the endpoint begins anew, unless it is disabled for another reason.
     *
     * @returns false when the endpoint has another URL by now.
     */
    proveOwnership(
      endpointKey: number,
      url: string,
      now: number,
      actor: string | null = null,
    ): Promise<boolean> {
      return changing(async (trx) => {
        if ((await countChanges(trx, prove, [endpointKey, url, now])) !== 1) return false
        await beginAnew(trx, endpointKey)
        await audit(trx, endpointKey, { action: 'endpoint_verified', actor }, now)
        return true
      })
    },

    /**
     * Enabling also forgets that the endpoint has failed.
     *
     * @returns false when it was so already.
     */
    setEnabled(
      endpointKey: number,
      enabled: boolean,
      reason: DisabledReason | null,
      now: number,
      actor: string | null = null,
    ): Promise<boolean> {
      const values = [endpointKey, enabled ? 1 : 0, reason, enabled ? null : now, now]
      return changing(async (trx) => {
        if ((await countChanges(trx, enable, values)) === 0) return false
        if (enabled) await beginAnew(trx, endpointKey)
        const action = enabled ? 'endpoint_enabled' : 'endpoint_disabled'
        await audit(trx, endpointKey, { action, actor, details: reason === null ? {} : { reason } }, now)
        return true
      })
    },

    /**
     * Deletes the endpoint with its secrets, and cancels its pending deliveries; the others stay on record, and attempts in
     * flight are recorded yet.
     */
    async deleteEndpoint(endpointKey: number, now: number, actor: string | null = null): Promise<void> {
      await changing(async (trx) => {
        if ((await countChanges(trx, markDeleted, [endpointKey, now])) === 1)
          await audit(trx, endpointKey, { action: 'endpoint_deleted', actor }, now)
        await runStatement(trx, deleteSecrets, [endpointKey])
        await runStatement(trx, deleteApiKeys, [endpointKey])
        await storeCertificate(trx, endpointKey, null)
        await runStatement(trx, deleteQueue, [endpointKey])
        await runStatement(trx, closeQueue, [endpointKey])
        await runStatement(trx, deleteAlerts, [endpointKey])
      })
      // Nothing more is sent to one that is not enabled. Pending deliveries may be many: not all in one transaction.
      while ((await countChanges(db, cancelSome, [endpointKey, now])) === CANCEL_AT_ONCE);
    },

    /** For fan-out, in the transaction that moves the position. */
    async revision(executor: SqlExecutor): Promise<number> {
      const [row] = await readRows(executor, { value: integer }, readRevision)
      return row?.value ?? 0
    },

    async readFilters(executor: SqlExecutor): Promise<EndpointFilterRow[]> {
      const rows = await readRows(executor, filterColumns, filters)
      return rows.map((row) => ({ ...fieldsOf(FILTER_FIELDS, row), isPull: row.is_pull }))
    },
  }
}

/** Cancels some of an endpoint's pending deliveries. Parameters: its key, and the time. */
export const cancelSomeStatement = ({ sql, names }: Pick<StoreContext, 'sql' | 'names'>) =>
  sql.statement(`update ${names.delivery} set state = 'cancelled', finished_on = $2
    where endpoint_key = $1 and message_key in (
      select message_key from ${names.delivery} where endpoint_key = $1 and state = 'pending' limit ${CANCEL_AT_ONCE})`)
