import { type Dialect, flag, integer, json, nullable, type RowOf, text, word } from '@x/events-engine/support'
import type { PayloadFormat } from '../messages/payload-format.ts'
import type { TableNames } from '../table-names.ts'
import type { StoredCertificate } from './client-certificate.ts'
import type { DisabledReason, Ownership, SignatureKind } from './endpoint.ts'
import type { EndpointFilterRow, EndpointRow } from './endpoint-row.ts'
import type { Ordering } from './ordering.ts'

/** How the columns are read that fan-out needs. */
export const filterColumns = {
  key: integer,
  id: text,
  tenant_id: integer,
  site_id: nullable(integer),
  event_types: json<string[]>(),
  ordering: json<Ordering>(),
  retry_schedule: nullable(json<number[]>()),
  format: word<PayloadFormat>(),
  payload_version: nullable(text),
}

/** How an endpoint's columns are read. */
export const endpointColumns = {
  ...filterColumns,
  url: text,
  description: text,
  headers: json<Record<string, string>>(),
  metadata: json<Record<string, string>>(),
  signature: word<SignatureKind>(),
  concurrency_min: integer,
  concurrency_max: integer,
  rate_limit: nullable(integer),
  rate_per_seconds: nullable(integer),
  ownership: nullable(word<Ownership>()),
  certificate: nullable(json<StoredCertificate>()),
  enabled: flag,
  failing_since: nullable(integer),
  disabled_reason: nullable(word<DisabledReason>()),
  disabled_on: nullable(integer),
  version: integer,
  created_on: integer,
  updated_on: integer,
}

const JSON_OBJECT: Record<Dialect, string> = { sqlite: 'json_object', postgres: 'json_build_object' }

/** SQL: the same, of the endpoint table, under the name `e`. */
export const ENDPOINT_COLUMNS = (names: TableNames, dialect: Dialect): string =>
  `e.key, e.id, e.tenant_id, e.site_id, e.url, e.event_types, e.description, e.headers,
    e.metadata, e.signature, e.concurrency_min, e.concurrency_max, e.ordering, e.rate_limit, e.rate_per_seconds,
    e.retry_schedule, e.format, e.payload_version, e.ownership, e.enabled, e.disabled_reason, e.disabled_on, e.version, e.created_on, e.updated_on,
    (select failing_since from ${names.queue} where endpoint_key = e.key) as failing_since,
    (select cast(${JSON_OBJECT[dialect]}('sealed', sealed, 'keyId', key_id, 'subject', subject,
      'fingerprint', fingerprint, 'expiresOn', expires_on) as text) from ${names.certificate} where endpoint_key = e.key) as certificate`

/** As fan-out has it. */
export function filterRowOf(row: RowOf<typeof filterColumns>): EndpointFilterRow {
  return {
    key: row.key,
    id: row.id,
    tenantId: row.tenant_id,
    siteId: row.site_id,
    eventTypes: row.event_types,
    ordering: row.ordering,
    /** Null where the sender's own holds. */
    retrySchedule: row.retry_schedule,
    format: row.format,
    payloadVersion: row.payload_version,
  }
}

/** As the rest of the package has it. */
export function endpointRowOf(row: RowOf<typeof endpointColumns>): EndpointRow {
  return {
    ...filterRowOf(row),
    url: row.url,
    description: row.description,
    headers: row.headers,
    metadata: row.metadata,
    signature: row.signature,
    concurrency: { min: row.concurrency_min, max: row.concurrency_max },
    rateLimit:
      row.rate_limit === null ? null : { limit: row.rate_limit, perSeconds: row.rate_per_seconds ?? 1 },
    ownership: row.ownership,
    certificate: row.certificate,
    enabled: row.enabled,
    failingSince: row.failing_since,
    disabledReason: row.disabled_reason,
    disabledOn: row.disabled_on,
    version: row.version,
    createdOn: row.created_on,
    updatedOn: row.updated_on,
  }
}
