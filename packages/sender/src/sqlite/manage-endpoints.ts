import {
  countChanges,
  integer,
  isStorable,
  ownTransaction,
  type Parameter,
  readRows,
  runStatement,
  type SqlExecutor,
} from '@x/events-engine/support'
import type { Kysely } from 'kysely'
import type { DeliveryStore } from '../delivery-store.ts'
import {
  ENDPOINT_COLUMNS,
  endpointColumns,
  endpointRowOf,
  filterColumns,
  filterRowOf,
} from '../endpoints/endpoint-columns.ts'
import type {
  EndpointChange,
  EndpointFilterRow,
  EndpointRow,
  NewEndpointRow,
  SecretRow,
} from '../endpoints/endpoint-row.ts'
import type { TableNames } from '../table-names.ts'
import { forgetFailuresStatement } from './endpoint-state.ts'
import { ownershipStatements } from './ownership.ts'
import { requeueStatement } from './requeue.ts'
import { createCertificateStore } from './store-certificate.ts'

type EndpointStatements = Pick<
  DeliveryStore,
  | 'countEndpoints'
  | 'createEndpoint'
  | 'findEndpoint'
  | 'readEndpoint'
  | 'listEndpoints'
  | 'changeEndpoint'
  | 'proveOwnership'
  | 'setEnabled'
  | 'deleteEndpoint'
  | 'revision'
  | 'readFilters'
>

const CANCEL_AT_ONCE = 5_000

/** Endpoints: what people do with them, and what fan-out reads of them. */
export function endpointStatements(db: Kysely<unknown>, names: TableNames): EndpointStatements {
  const columns = ENDPOINT_COLUMNS(names, 'sqlite')
  const insert = `insert into ${names.endpoint}
    (id, tenant_id, signature, site_id, url, event_types, description, headers, metadata, concurrency_min,
      concurrency_max, ordering, rate_limit, rate_per_seconds, retry_schedule, format, payload_version, ownership, created_on, updated_on)
    values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) returning key`
  const count = `select count(*) as count from ${names.endpoint} where tenant_id = ? and deleted_on is null`
  const insertSecret = `insert into ${names.secret} (endpoint_key, sealed, key_id, created_on, expires_on)
    values (?, ?, ?, ?, ?)`
  const raiseRevision = `update ${names.revision} set value = value + 1 where id = 1`
  const byId = `select ${columns} from ${names.endpoint} e where id = ? and deleted_on is null`
  const byKey = `select ${columns} from ${names.endpoint} e where key = ? and deleted_on is null`
  const list = `select ${columns} from ${names.endpoint} e
    where tenant_id = ? and deleted_on is null
      and key < coalesce((select key from ${names.endpoint} e where id = ?), 9e15)
    order by key desc limit ?`
  const change = `update ${names.endpoint}
    set site_id = ?, url = ?, event_types = ?, description = ?, headers = ?, metadata = ?, concurrency_min = ?,
      concurrency_max = ?, ordering = ?, rate_limit = ?, rate_per_seconds = ?, retry_schedule = ?, format = ?, payload_version = ?,
      version = version + 1, updated_on = ?
    where key = ? and version = ? and deleted_on is null`
  const enable = `update ${names.endpoint}
    set enabled = ?, disabled_reason = ?, disabled_on = ?, version = version + 1, updated_on = ?
    where key = ? and enabled <> ? and deleted_on is null`
  const markDeleted = `update ${names.endpoint}
    set deleted_on = ?, enabled = 0, headers = '{}', version = version + 1, updated_on = ?
    where key = ? and deleted_on is null`
  const deleteSecrets = `delete from ${names.secret} where endpoint_key = ?`
  const deleteQueue = `delete from ${names.queue} where endpoint_key = ?`
  const cancelSome = `update ${names.delivery} set state = 'cancelled', finished_on = ?
    where endpoint_key = ? and message_key in (
      select message_key from ${names.delivery} where endpoint_key = ? and state = 'pending' limit ${CANCEL_AT_ONCE})`
  const storeCertificate = createCertificateStore(names)
  const { demandProof, storeProof } = ownershipStatements(names)
  const forgetFailures = forgetFailuresStatement(names)
  const requeue = requeueStatement(names)
  const readRevision = `select value from ${names.revision} where id = 1`
  const filters = `select key, id, tenant_id, site_id, event_types, ordering, retry_schedule, format, payload_version from ${names.endpoint}
    where enabled = 1 and deleted_on is null order by key`

  /** Whatever changes endpoints also raises the revision, in the same transaction. */
  function changing<TResult>(work: (trx: SqlExecutor) => Promise<TResult>): Promise<TResult> {
    return ownTransaction(db, async (trx) => {
      await runStatement(trx, raiseRevision)
      return work(trx)
    })
  }

  /** As if it had never failed, with whatever waits for it. */
  async function beginAnew(trx: SqlExecutor, endpointKey: number): Promise<void> {
    await runStatement(trx, forgetFailures, [endpointKey])
    await runStatement(trx, requeue, [JSON.stringify([endpointKey])])
  }

  async function one(statement: string, parameter: string | number): Promise<EndpointRow | undefined> {
    const [row] = await readRows(db, endpointColumns, statement, [parameter])
    return row && endpointRowOf(row)
  }

  return {
    async countEndpoints(tenantId) {
      const [row] = await readRows(db, { count: integer }, count, [tenantId])
      return row?.count ?? 0
    },

    async createEndpoint(row: NewEndpointRow, secret: SecretRow) {
      await changing(async (trx) => {
        const [created] = await readRows(trx, { key: integer }, insert, [
          row.id,
          row.tenantId,
          row.signature,
          ...changeableValues(row),
          row.ownership,
          row.createdOn,
          row.createdOn,
        ])
        const { key } = created as { key: number }
        const { sealed, keyId, createdOn, expiresOn } = secret
        await runStatement(trx, insertSecret, [key, sealed, keyId, createdOn, expiresOn])
        await storeCertificate(trx, key, row.certificate)
        if (row.ownership === 'pending') await demandProof(trx, key, row.createdOn)
      })
    },

    findEndpoint: async (id) => (isStorable(id) ? one(byId, id) : undefined),
    readEndpoint: (endpointKey) => one(byKey, endpointKey),

    async listEndpoints(tenantId, before, limit) {
      const rows = await readRows(db, endpointColumns, list, [tenantId, before ?? null, limit])
      return rows.map(endpointRowOf)
    },

    async changeEndpoint(endpointKey, version, to, now, mustProve) {
      const values = [...changeableValues(to), now, endpointKey, version]
      return changing(async (trx) => {
        const isChanged = (await countChanges(trx, change, values)) === 1
        if (isChanged) await storeCertificate(trx, endpointKey, to.certificate)
        if (isChanged && mustProve) await demandProof(trx, endpointKey, now)
        return isChanged
      })
    },

    async proveOwnership(endpointKey, url, now) {
      return changing(async (trx) => {
        if (!(await storeProof(trx, endpointKey, url, now))) return false
        await beginAnew(trx, endpointKey)
        return true
      })
    },

    async setEnabled(endpointKey, enabled, reason, now) {
      const flag = enabled ? 1 : 0
      const values = [flag, reason, enabled ? null : now, now, endpointKey, flag]
      return changing(async (trx) => {
        if ((await countChanges(trx, enable, values)) === 0) return false
        if (enabled) await beginAnew(trx, endpointKey)
        return true
      })
    },

    async deleteEndpoint(endpointKey, now) {
      await changing(async (trx) => {
        await runStatement(trx, markDeleted, [now, now, endpointKey])
        await runStatement(trx, deleteSecrets, [endpointKey])
        await storeCertificate(trx, endpointKey, null)
        await runStatement(trx, deleteQueue, [endpointKey])
      })
      // Without its queue row nothing more is sent. What waits may be much: not all in one transaction.
      while ((await countChanges(db, cancelSome, [now, endpointKey, endpointKey])) === CANCEL_AT_ONCE);
    },

    async revision(executor) {
      const [row] = await readRows(executor, { value: integer }, readRevision)
      return row?.value ?? 0
    },

    async readFilters(executor): Promise<EndpointFilterRow[]> {
      return (await readRows(executor, filterColumns, filters)).map(filterRowOf)
    },
  }
}

/** In the order of the columns of the two statements. */
function changeableValues(of: EndpointChange): Parameter[] {
  return [
    of.siteId,
    of.url,
    JSON.stringify(of.eventTypes),
    of.description,
    JSON.stringify(of.headers),
    JSON.stringify(of.metadata),
    of.concurrency.min,
    of.concurrency.max,
    JSON.stringify(of.ordering),
    of.rateLimit?.limit ?? null,
    of.rateLimit?.perSeconds ?? null,
    of.retrySchedule && JSON.stringify(of.retrySchedule),
    of.format,
    of.payloadVersion,
  ]
}
