import { countChanges, runStatement, type SqlExecutor } from '@x/events-engine/support'
import type { Kysely } from 'kysely'
import type { DeliveryStore } from '../delivery-store.ts'
import type { DisabledReason, SignatureKind } from '../endpoints/endpoint.ts'
import type {
  EndpointChange,
  EndpointFilterRow,
  EndpointRow,
  NewEndpointRow,
  SecretRow,
} from '../endpoints/endpoint-row.ts'
import type { Ordering } from '../endpoints/ordering.ts'
import type { TableNames } from '../table-names.ts'

interface StoredEndpoint {
  readonly key: number
  readonly id: string
  readonly tenant_id: number
  readonly site_id: number | null
  readonly url: string
  readonly event_types: string
  readonly description: string
  readonly headers: string
  readonly metadata: string
  readonly signature: SignatureKind
  readonly concurrency_min: number
  readonly concurrency_max: number
  readonly ordering: string
  readonly rate_limit: number | null
  readonly rate_per_seconds: number | null
  readonly retry_schedule: string | null
  readonly enabled: number
  readonly disabled_reason: DisabledReason | null
  readonly disabled_on: number | null
  readonly version: number
  readonly created_on: number
  readonly updated_on: number
}

type EndpointStatements = Pick<
  DeliveryStore,
  | 'createEndpoint'
  | 'findEndpoint'
  | 'readEndpoint'
  | 'listEndpoints'
  | 'changeEndpoint'
  | 'setEnabled'
  | 'deleteEndpoint'
  | 'revision'
  | 'readFilters'
>

const CANCEL_AT_ONCE = 5_000

/** Endpoints: what people do with them, and what fan-out reads of them. */
export function endpointStatements(db: Kysely<unknown>, names: TableNames): EndpointStatements {
  const columns = `key, id, tenant_id, site_id, url, event_types, description, headers, metadata, signature,
    concurrency_min, concurrency_max, ordering, rate_limit, rate_per_seconds, retry_schedule, enabled, disabled_reason, disabled_on, version, created_on, updated_on`
  const insert = `insert into ${names.endpoint}
    (id, tenant_id, signature, site_id, url, event_types, description, headers, metadata, concurrency_min,
      concurrency_max, ordering, rate_limit, rate_per_seconds, retry_schedule, created_on, updated_on)
    values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) returning key`
  const insertSecret = `insert into ${names.secret} (endpoint_key, sealed, key_id, created_on, expires_on)
    values (?, ?, ?, ?, ?)`
  const raiseRevision = `update ${names.revision} set value = value + 1 where id = 1`
  const byId = `select ${columns} from ${names.endpoint} where id = ? and deleted_on is null`
  const byKey = `select ${columns} from ${names.endpoint} where key = ? and deleted_on is null`
  const list = `select ${columns} from ${names.endpoint}
    where tenant_id = ? and deleted_on is null
      and key < coalesce((select key from ${names.endpoint} where id = ?), 9e15)
    order by key desc limit ?`
  const change = `update ${names.endpoint}
    set site_id = ?, url = ?, event_types = ?, description = ?, headers = ?, metadata = ?, concurrency_min = ?,
      concurrency_max = ?, ordering = ?, rate_limit = ?, rate_per_seconds = ?, retry_schedule = ?,
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
  const readRevision = `select value from ${names.revision} where id = 1`
  const filters = `select key, tenant_id, site_id, event_types, ordering, retry_schedule from ${names.endpoint}
    where enabled = 1 and deleted_on is null order by key`

  /** Whatever changes endpoints also raises the revision, in the same transaction. */
  function changing<TResult>(work: (trx: SqlExecutor) => Promise<TResult>): Promise<TResult> {
    return db.transaction().execute(async (trx) => {
      await runStatement(trx, raiseRevision)
      return work(trx)
    })
  }

  async function one(statement: string, parameter: string | number): Promise<EndpointRow | undefined> {
    const [row] = await runStatement<StoredEndpoint>(db, statement, [parameter])
    return row && endpointRowOf(row)
  }

  return {
    async createEndpoint(row: NewEndpointRow, secret: SecretRow) {
      await changing(async (trx) => {
        const [created] = await runStatement<{ key: number }>(trx, insert, [
          row.id,
          row.tenantId,
          row.signature,
          ...changeableValues(row),
          row.createdOn,
          row.createdOn,
        ])
        const { sealed, keyId, createdOn, expiresOn } = secret
        await runStatement(trx, insertSecret, [created?.key, sealed, keyId, createdOn, expiresOn])
      })
    },

    findEndpoint: (id) => one(byId, id),
    readEndpoint: (endpointKey) => one(byKey, endpointKey),

    async listEndpoints(tenantId, before, limit) {
      const rows = await runStatement<StoredEndpoint>(db, list, [tenantId, before ?? null, limit])
      return rows.map(endpointRowOf)
    },

    async changeEndpoint(endpointKey: number, version: number, to: EndpointChange, now: number) {
      const values = [...changeableValues(to), now, endpointKey, version]
      return changing(async (trx) => (await countChanges(trx, change, values)) === 1)
    },

    async setEnabled(endpointKey, enabled, reason, now) {
      const flag = enabled ? 1 : 0
      const values = [flag, reason, enabled ? null : now, now, endpointKey, flag]
      return changing(async (trx) => (await countChanges(trx, enable, values)) === 1)
    },

    async deleteEndpoint(endpointKey, now) {
      await changing(async (trx) => {
        await runStatement(trx, markDeleted, [now, now, endpointKey])
        await runStatement(trx, deleteSecrets, [endpointKey])
        await runStatement(trx, deleteQueue, [endpointKey])
      })
      // Without its queue row nothing more is sent. What waits may be much: not all in one transaction.
      while ((await countChanges(db, cancelSome, [now, endpointKey, endpointKey])) === CANCEL_AT_ONCE);
    },

    async revision(executor) {
      const [row] = await runStatement<{ value: number }>(executor, readRevision)
      return row?.value ?? 0
    },

    async readFilters(executor): Promise<EndpointFilterRow[]> {
      const rows = await runStatement<StoredEndpoint>(executor, filters)
      return rows.map((row) => ({
        key: row.key,
        tenantId: row.tenant_id,
        siteId: row.site_id,
        eventTypes: JSON.parse(row.event_types) as string[],
        ordering: JSON.parse(row.ordering) as Ordering,
        retrySchedule: retryScheduleOf(row),
      }))
    },
  }
}

/** In the order of the columns of the two statements. */
function changeableValues(of: EndpointChange): (string | number | null)[] {
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
  ]
}

function retryScheduleOf({ retry_schedule: text }: StoredEndpoint): number[] | null {
  return text === null ? null : (JSON.parse(text) as number[])
}

function endpointRowOf(row: StoredEndpoint): EndpointRow {
  return {
    key: row.key,
    id: row.id,
    tenantId: row.tenant_id,
    siteId: row.site_id,
    url: row.url,
    eventTypes: JSON.parse(row.event_types) as string[],
    description: row.description,
    headers: JSON.parse(row.headers) as Record<string, string>,
    metadata: JSON.parse(row.metadata) as Record<string, string>,
    signature: row.signature,
    concurrency: { min: row.concurrency_min, max: row.concurrency_max },
    ordering: JSON.parse(row.ordering) as Ordering,
    rateLimit:
      row.rate_limit === null ? null : { limit: row.rate_limit, perSeconds: row.rate_per_seconds ?? 1 },
    retrySchedule: retryScheduleOf(row),
    enabled: row.enabled === 1,
    disabledReason: row.disabled_reason,
    disabledOn: row.disabled_on,
    version: row.version,
    createdOn: row.created_on,
    updatedOn: row.updated_on,
  }
}
