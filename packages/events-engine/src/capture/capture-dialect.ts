import type { TenantSite } from '@x/events-core'
import { EventEngineError, shown } from '../errors.ts'
import type { Parameter, SqlExecutor } from '../sql/database.ts'
import type { TableNames } from '../store/table-names.ts'
import type { Capture } from './capture-options.ts'

/** Runs a statement on the connection of one transaction. */
export type RunInTransaction = (statement: string, parameters: readonly Parameter[]) => Promise<unknown>

/** What differs between databases in capturing tables. */
export interface CaptureDialect {
  /** The statements that create the tables that triggers need beside those of the log. */
  tables(names: TableNames): readonly string[]
  /** The statements that delete what triggers have remembered for a change that did not happen. */
  clearStatements(names: TableNames): readonly string[]
  createTriggers(names: TableNames, maxDataBytes: number): CaptureTriggers
}

/** Puts triggers on tables, and gives them the tenant and site of a transaction. */
export interface CaptureTriggers {
  /**
   * The statements that bring a table's triggers up to date; none where they are.
   *
   * @throws EventEngineError `invalid_capture`, `not_migrated`
   */
  planCapture(db: SqlExecutor, capture: Capture): Promise<readonly string[]>
  /** The statements that remove a table's triggers. */
  planRelease(db: SqlExecutor, table: string): Promise<readonly string[]>
  /** Keeps others who do the same out until the transaction ends. */
  lock(db: SqlExecutor): Promise<void>
  /** Has the triggers find a tenant and a site for the rest of the transaction; none where it is undefined. */
  writeContext(run: RunInTransaction, site: TenantSite | undefined): Promise<unknown>
}

/** Refuses columns that a table does not have. */
export function assertColumns(capture: Capture, existing: readonly string[]): void {
  const { table, entityId, tenantId, siteId, data = [] } = capture
  const wanted: [option: string, column: string][] = [
    ['entityId', entityId],
    ...(tenantId.from === 'column' ? [['tenantId', tenantId.column] as [string, string]] : []),
    ...(siteId.from === 'column' ? [['siteId', siteId.column] as [string, string]] : []),
    ...data.map((column): [string, string] => ['data', column]),
  ]
  for (const [option, column] of wanted) {
    if (existing.includes(column)) continue
    throw new EventEngineError(
      'invalid_capture',
      `captureTable: options.${option} names the column ${shown(column)}, which the table ${shown(table)} does not have; it has ${existing.join(', ')}.`,
    )
  }
}

/** Refuses a table that is not there, or is a view or the like. */
export function refuseTable(table: string): never {
  throw new EventEngineError(
    'invalid_capture',
    `captureTable: the database has no table ${shown(table)}; create it first, and give its name as the database has it, capitals included. Views and virtual tables cannot be captured.`,
  )
}

/** Refuses a table that the engine itself writes for each event: it would never stop. */
export function refuseOwnTable(table: string): never {
  throw new EventEngineError(
    'invalid_capture',
    `captureTable: ${shown(table)} belongs to the event log, which cannot capture itself; name a table of the host.`,
  )
}

/** Refuses to work on a database whose tables are not there yet. */
export function refuseUnmigrated(prefix: string): never {
  throw new EventEngineError(
    'not_migrated',
    `captureTable: the tables ${prefix}* are missing or older than this version; call engine.migrate() first.`,
  )
}
