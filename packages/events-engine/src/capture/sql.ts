import type { TableNames } from '../store/table-names.ts'
import type { Capture } from './capture-options.ts'

/** The names of the objects that captures need, as they stand in SQL. */
export interface CaptureNames {
  /** SQLite: the tenant and site of the transaction that is under way; empty at every commit. */
  readonly context: string
  /** SQLite: rows that another row is about to replace. */
  readonly replaced: string
  /** PostgreSQL: the setting that holds tenant and site of a transaction. */
  readonly setting: string
  /** PostgreSQL: the function that writes one event. */
  readonly append: string
  /** The prefix of the names of triggers, and of PostgreSQL's functions behind them. */
  readonly trigger: string
}

/** The names beside those of the log. */
export function captureNames({ prefix }: TableNames): CaptureNames {
  return {
    context: `${prefix}capture_context`,
    replaced: `${prefix}capture_replaced`,
    setting: `${prefix}capture.site`,
    append: `${prefix}capture_event`,
    trigger: `${prefix}capture_`,
  }
}

/** A name as it stands in SQL, with any characters. */
export function quoteName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}

/** A text as it stands in SQL. */
export function quoteText(text: string): string {
  return `'${text.replaceAll("'", "''")}'`
}

/**
 * A text as it stands in PostgreSQL's SQL, which reads backslashes as escapes where `standard_conforming_strings` is off.
 * So a text that has some is written in the form in which they always are.
 */
export function quoteEscaped(text: string): string {
  const quoted = quoteText(text)
  return text.includes('\\') ? ` E${quoted.replaceAll('\\', '\\\\')}` : quoted
}

/** The errors of statements that are refused, because no event could be raised for their change. */
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
