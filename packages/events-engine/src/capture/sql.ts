import type { Transaction } from 'kysely'
import { type Dialect, type Parameter, runStatement } from '../sql/database.ts'
import type { TableNames } from '../store/table-names.ts'
import type { Capture } from './capture-options.ts'

/** Where captures keep what belongs to them, as it stands in SQL. */
export interface CaptureNames {
  /** SQLite: the tenant and site of the transaction that is under way; empty at every commit. */
  readonly context: string
  /** SQLite: rows that are about to make room for another. */
  readonly replaced: string
  /** PostgreSQL: the setting that holds tenant and site of a transaction. */
  readonly setting: string
  /** PostgreSQL: the function that writes one event. */
  readonly append: string
  /** What the names of triggers, and PostgreSQL's functions behind them, begin with. */
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

/** A name as it stands in SQL, whatever it consists of. */
export function quoteName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}

/**
 * A text as it stands in SQL.
 *
 * Backslashes mean something in PostgreSQL where `standard_conforming_strings` is off, so a text that
 * has some is written in the form in which they always do.
 */
export function quoteText(text: string, dialect: Dialect): string {
  const quoted = `'${text.replaceAll("'", "''")}'`
  return dialect === 'postgres' && text.includes('\\') ? ` E${quoted.replaceAll('\\', '\\\\')}` : quoted
}

/** Runs a statement on the connection of one transaction. */
export type RunInTransaction = (statement: string, parameters: readonly Parameter[]) => Promise<unknown>

/** For a Kysely transaction; plugins of the host's see nothing of it. */
export function runnerOf<DB>(trx: Transaction<DB>): RunInTransaction {
  const bare = trx.withoutPlugins()
  return (statement, parameters) => runStatement(bare, statement, parameters)
}

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
