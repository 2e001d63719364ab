import type { Clock } from '@x/events-core'
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
import { createQueueLock, raiseRevisionStatement } from './lock-queue.ts'
import { ownershipStatements } from './ownership.ts'
import { requeueStatement } from './requeue.ts'
import { createCertificateStore } from './store-certificate.ts'

type EndpointStatements = Pick<
  DeliveryStore,
  | 'createEndpoint'
  | 'findEndpoint'
  | 'readEndpoint'
  | 'listEndpoints'
  | 'countEndpoints'
  | 'changeEndpoint'
  | 'proveOwnership'
  | 'setEnabled'
  | 'deleteEndpoint'
  | 'revision'
  | 'readFilters'
>

const CANCEL_AT_ONCE = 5_000

/** Endpoints: what people do with them, and what fan-out reads of them. */
export function endpointStatements(db: Kysely<unknown>, names: TableNames, clock: Clock): EndpointStatements {
  const columns = ENDPOINT_COLUMNS(names, 'postgres')
  const count = `select count(*) as count from ${names.endpoint} where tenant_id = $1 and deleted_on is null`
  const insert = `insert into ${names.endpoint}
    (id, tenant_id, signature, created_on, updated_on, site_id, url, event_types, description, headers, metadata,
      concurrency_min, concurrency_max, ordering, rate_limit, rate_per_seconds, retry_schedule, format, payload_version,
      ownership)
    values ($1, $2, $3, $4, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19) returning key`
  const insertSecret = `insert into ${names.secret} (endpoint_key, sealed, key_id, created_on, expires_on)
    values ($1, $2, $3, $4, $5)`
  const raiseRevision = raiseRevisionStatement(names)
  const byId = `select ${columns} from ${names.endpoint} e where e.id = $1 and e.deleted_on is null`
  const byKey = `select ${columns} from ${names.endpoint} e where e.key = $1 and e.deleted_on is null`
  const list = `select ${columns} from ${names.endpoint} e
    where e.tenant_id = $1 and e.deleted_on is null
      and e.key < coalesce((select key from ${names.endpoint} where id = $2), ${Number.MAX_SAFE_INTEGER})
    order by e.key desc limit $3`
  const change = `update ${names.endpoint}
    set updated_on = $3, site_id = $4, url = $5, event_types = $6, description = $7, headers = $8, metadata = $9,
      concurrency_min = $10, concurrency_max = $11, ordering = $12, rate_limit = $13, rate_per_seconds = $14,
      retry_schedule = $15, format = $16, payload_version = $17, version = version + 1
    where key = $1 and version = $2 and deleted_on is null`
  const enable = `update ${names.endpoint}
    set enabled = $2::text::boolean, disabled_reason = $3, disabled_on = $4, version = version + 1, updated_on = $5
    where key = $1 and enabled <> $2::text::boolean and deleted_on is null`
  const markDeleted = `update ${names.endpoint}
    set deleted_on = $2, enabled = false, headers = '{}', version = version + 1, updated_on = $2
    where key = $1 and deleted_on is null`
  const deleteSecrets = `delete from ${names.secret} where endpoint_key = $1`
  const deleteQueue = `delete from ${names.queue} where endpoint_key = $1`
  const cancelSome = `update ${names.delivery} set state = 'cancelled', finished_on = $2
    where endpoint_key = $1 and message_key in (
      select message_key from ${names.delivery} where endpoint_key = $1 and state = 'pending' limit ${CANCEL_AT_ONCE})`
  const requeue = requeueStatement(names, 'all')
  const storeCertificate = createCertificateStore(names)
  const { demandProof, storeProof } = ownershipStatements(names)
  const forgetFailures = forgetFailuresStatement(names)
  const lockQueue = createQueueLock(names)
  // Shared with nobody who changes an endpoint: either this fan-out sees the change, or the change waits
  // for it and finds everything that it has written.
  const readRevision = `select value from ${names.revision} where id = 1 for share`
  const filters = `select key, id, tenant_id, site_id, event_types, ordering, retry_schedule, format, payload_version from ${names.endpoint}
    where enabled and deleted_on is null order by key`

  /** Whatever changes endpoints also raises the revision, in the same transaction, and first of all. */
  function changing<TResult>(work: (trx: SqlExecutor) => Promise<TResult>): Promise<TResult> {
    return ownTransaction(db, async (trx) => {
      await runStatement(trx, raiseRevision)
      return work(trx)
    })
  }

  /** As if it had never failed, with whatever waits for it. */
  async function beginAnew(trx: SqlExecutor, endpointKey: number): Promise<void> {
    await lockQueue(trx, [endpointKey])
    await runStatement(trx, forgetFailures, [endpointKey])
    await runStatement(trx, requeue, [JSON.stringify([endpointKey]), clock.now()])
  }

  async function one(statement: string, parameter: string | number): Promise<EndpointRow | undefined> {
    const [row] = await readRows(db, endpointColumns, statement, [parameter])
    return row && endpointRowOf(row)
  }

  return {
    async createEndpoint(row: NewEndpointRow, secret: SecretRow) {
      const values = [
        row.id,
        row.tenantId,
        row.signature,
        row.createdOn,
        ...changeableValues(row),
        row.ownership,
      ]
      await changing(async (trx) => {
        const [created] = await readRows(trx, { key: integer }, insert, values)
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

    async countEndpoints(tenantId) {
      const [row] = await readRows(db, { count: integer }, count, [tenantId])
      return row?.count ?? 0
    },

    async changeEndpoint(endpointKey, version, to, now, mustProve) {
      const values = [endpointKey, version, now, ...changeableValues(to)]
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
      const values = [endpointKey, String(enabled), reason, enabled ? null : now, now]
      return changing(async (trx) => {
        if ((await countChanges(trx, enable, values)) === 0) return false
        if (enabled) await beginAnew(trx, endpointKey)
        return true
      })
    },

    async deleteEndpoint(endpointKey, now) {
      await changing(async (trx) => {
        await runStatement(trx, markDeleted, [endpointKey, now])
        await runStatement(trx, deleteSecrets, [endpointKey])
        await storeCertificate(trx, endpointKey, null)
        await runStatement(trx, deleteQueue, [endpointKey])
      })
      // Without its queue row nothing more is sent. What waits may be much: not all in one transaction.
      while ((await countChanges(db, cancelSome, [endpointKey, now])) === CANCEL_AT_ONCE);
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
