import type { StoredCertificate } from '../endpoints/client-certificate.ts'
import type { DisabledReason, Ownership, SignatureKind } from '../endpoints/endpoint.ts'
import type { EndpointRow } from '../endpoints/endpoint-row.ts'
import type { Ordering } from '../endpoints/ordering.ts'
import type { PayloadFormat } from '../messages/payload-format.ts'
import type { TableNames } from '../table-names.ts'
import { numberOrNull, type StoredNumber } from './stored-values.ts'

/** An endpoint's columns, as PostgreSQL gives them. */
export interface StoredEndpoint {
  readonly key: StoredNumber
  readonly id: string
  readonly tenant_id: StoredNumber
  readonly site_id: StoredNumber | null
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
  readonly enabled: boolean
  readonly failing_since: StoredNumber | null
  readonly disabled_reason: DisabledReason | null
  readonly disabled_on: StoredNumber | null
  readonly version: number
  readonly created_on: StoredNumber
  readonly updated_on: StoredNumber
}

/** Of the endpoint table, under the name `e`. */
export const ENDPOINT_COLUMNS = (names: TableNames): string =>
  `e.key, e.id, e.tenant_id, e.site_id, e.url, e.event_types, e.description, e.headers,
    e.metadata, e.signature, e.concurrency_min, e.concurrency_max, e.ordering, e.rate_limit, e.rate_per_seconds,
    e.retry_schedule, e.format, e.payload_version, e.ownership, e.enabled, e.disabled_reason, e.disabled_on, e.version, e.created_on, e.updated_on,
    (select failing_since from ${names.queue} where endpoint_key = e.key) as failing_since,
    (select json_build_object('sealed', sealed, 'keyId', key_id, 'subject', subject,
      'fingerprint', fingerprint, 'expiresOn', expires_on)::text from ${names.certificate} where endpoint_key = e.key) as certificate`

/** Reads what is JSON, and numbers that drivers give as text. */
export function endpointRowOf(row: StoredEndpoint): EndpointRow {
  return {
    key: Number(row.key),
    id: row.id,
    tenantId: Number(row.tenant_id),
    siteId: numberOrNull(row.site_id),
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
    enabled: row.enabled,
    failingSince: numberOrNull(row.failing_since),
    disabledReason: row.disabled_reason,
    disabledOn: numberOrNull(row.disabled_on),
    version: row.version,
    createdOn: Number(row.created_on),
    updatedOn: Number(row.updated_on),
  }
}

/** Null where the sender's own holds. */
export function retryScheduleOf({ retry_schedule: text }: StoredEndpoint): number[] | null {
  return text === null ? null : (JSON.parse(text) as number[])
}
