import type { Capture } from './capture-options.ts'

/** What a statement is refused with when its change could not be told of. */
export function remedies({ table, entityId, tenantId, siteId }: Capture) {
  const column = (source: typeof tenantId) => (source.from === 'column' ? source.column : '')
  return {
    context: `captureTable: a row of ${table} changes outside of a context, so that the tenant or site of its event is not known; use engine.transaction inside engine.withContext({ tenantId, siteId }, ...), or give captureTable columns, numbers, or onMissingContext.`,
    entityId: `captureTable: ${entityId} of a row of ${table} is null, so that its event would be about nothing; give the row a value, or captureTable another entityId.`,
    tenantId: `captureTable: ${column(tenantId)} of a row of ${table} is no integer up to 2^53, so that the tenant of its event is not known; give the row a tenant.`,
    siteId: `captureTable: ${column(siteId)} of a row of ${table} is no integer up to 2^53, so that the site of its event is not known; give the row a site, or null for all sites.`,
    truncate: `captureTable: ${table} is captured, and TRUNCATE would remove its rows without an event for each; use DELETE, or engine.releaseTable first.`,
  }
}
