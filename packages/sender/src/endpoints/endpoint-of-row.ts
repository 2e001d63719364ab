import { certificateInfoOf } from './client-certificate.ts'
import type { Endpoint } from './endpoint.ts'
import type { EndpointRow } from './fields.ts'

/** An endpoint as users see it. */
export function endpointOf(row: EndpointRow): Endpoint {
  return {
    id: row.id,
    tenantId: row.tenantId,
    ...(row.siteId === null ? {} : { siteId: row.siteId }),
    ...(row.url === null ? {} : { url: row.url }),
    eventTypes: row.eventTypes,
    ...(row.filter === null ? {} : { filter: row.filter }),
    description: row.description,
    headers: row.headers,
    metadata: row.metadata,
    signature: row.signature,
    concurrency: row.concurrency,
    ordering: row.ordering,
    ...(row.rateLimit === null ? {} : { rateLimit: row.rateLimit }),
    ...(row.retrySchedule === null ? {} : { retrySchedule: row.retrySchedule }),
    format: row.format,
    ...(row.payloadVersion === null ? {} : { payloadVersion: row.payloadVersion }),
    sequence: row.sequence,
    ...(row.certificate === null ? {} : { clientCertificate: certificateInfoOf(row.certificate) }),
    ...(row.ownership === null ? {} : { ownership: row.ownership }),
    enabled: row.enabled,
    ...(row.failingSince === null ? {} : { failingSince: new Date(row.failingSince) }),
    ...(row.disabledReason === null ? {} : { disabledReason: row.disabledReason }),
    ...(row.disabledOn === null ? {} : { disabledOn: new Date(row.disabledOn) }),
    version: row.version,
    createdOn: new Date(row.createdOn),
    updatedOn: new Date(row.updatedOn),
  }
}
