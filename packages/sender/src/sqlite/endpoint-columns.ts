import type { StoredCertificate } from '../endpoints/client-certificate.ts'
import type { DisabledReason, Ownership, SignatureKind } from '../endpoints/endpoint.ts'
import type { EndpointRow } from '../endpoints/endpoint-row.ts'
import type { Ordering } from '../endpoints/ordering.ts'
import type { PayloadFormat } from '../messages/payload-format.ts'
import type { TableNames } from '../table-names.ts'

/** An endpoint's columns, as SQLite gives them. */
export interface StoredEndpoint {
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
  readonly format: PayloadFormat
  readonly payload_version: string | null
  readonly ownership: Ownership | null
  readonly certificate: string | null
  readonly enabled: number
  readonly failing_since: number | null
  readonly disabled_reason: DisabledReason | null
  readonly disabled_on: number | null
  readonly version: number
  readonly created_on: number
  readonly updated_on: number
}

/** Of the endpoint table, under the name `e`. */
export const ENDPOINT_COLUMNS = (names: TableNames): string =>
  `e.key, id, tenant_id, site_id, url, event_types, description, headers, metadata, signature,
    concurrency_min, concurrency_max, ordering, rate_limit, rate_per_seconds, retry_schedule, format, payload_version, ownership, enabled, disabled_reason, disabled_on, version, created_on, updated_on,
    (select failing_since from ${names.queue} where endpoint_key = e.key) as failing_since,
    (select json_object('sealed', sealed, 'keyId', key_id, 'subject', subject,
      'fingerprint', fingerprint, 'expiresOn', expires_on) from ${names.certificate} where endpoint_key = e.key) as certificate`

/** Reads what is JSON. */
export function endpointRowOf(row: StoredEndpoint): EndpointRow {
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
    format: row.format,
    payloadVersion: row.payload_version,
    ownership: row.ownership,
    certificate: row.certificate === null ? null : (JSON.parse(row.certificate) as StoredCertificate),
    enabled: row.enabled === 1,
    failingSince: row.failing_since,
    disabledReason: row.disabled_reason,
    disabledOn: row.disabled_on,
    version: row.version,
    createdOn: row.created_on,
    updatedOn: row.updated_on,
  }
}

/** Null where the sender's own holds. */
export function retryScheduleOf({ retry_schedule: text }: StoredEndpoint): number[] | null {
  return text === null ? null : (JSON.parse(text) as number[])
}
