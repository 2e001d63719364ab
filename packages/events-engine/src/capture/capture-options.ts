import type { EntityName, TenantSite } from '@x/events-core'
import type { Transaction } from 'kysely'

/**
 * Where a captured event takes its tenant or site from: a column of the row, always the same number,
 * or what the transaction was given by `engine.withContext`.
 */
export type CaptureSource = { readonly column: string } | number | 'context'

/** The action of a captured change. */
export type CaptureAction = 'Create' | 'Update' | 'Delete'

/** The options of `engine.captureTable`. Names of tables and columns are the database's, case included. */
export interface CaptureTableOptions<DB = unknown> {
  /** A table; on PostgreSQL also `schema.table`. */
  readonly table: string
  /** What the events are about: one of `EntityNames`, or the host's own. */
  readonly entityName: EntityName
  /** The column that identifies the entity: the events' `entityId`. */
  readonly entityId: string
  /** @defaultValue 'context' */
  readonly tenantId?: CaptureSource | undefined
  /**
   * A column that is null stands for all sites (-1).
   * @defaultValue 'context' where the tenant comes from the context as well, else -1
   */
  readonly siteId?: CaptureSource | undefined
  /**
   * The columns that become the events' `data`, in this order. An Update's data also has `$changed`:
   * the names of all columns that changed, chosen or not.
   * @defaultValue none: the events have no data
   */
  readonly data?: readonly string[] | undefined
  /**
   * Whether an Update's data also has `$before`: what the columns of `data` were that changed.
   * @defaultValue false
   */
  readonly before?: boolean | undefined
  /**
   * The changes that raise events.
   * @defaultValue ['Create', 'Update', 'Delete']
   */
  readonly actions?: readonly CaptureAction[] | undefined
  /**
   * How a change without the context that it needs is handled: its statement fails, or the events get this tenant and
   * site.
   * @defaultValue 'reject'
   */
  readonly onMissingContext?: 'reject' | TenantSite | undefined
  /** The transaction to do it in: that of a migration which changes the table, say. */
  readonly trx?: Transaction<DB> | undefined
}

/** The options of `engine.releaseTable`. */
export interface ReleaseTableOptions<DB = unknown> {
  /** The transaction to do it in. */
  readonly trx?: Transaction<DB> | undefined
}

/** A tenant or a site: a column, or a number, or the context with what stands in for it. */
export type ResolvedSource =
  | { readonly from: 'column'; readonly column: string }
  | { readonly from: 'constant'; readonly value: number }
  | { readonly from: 'context'; readonly fallback: number | undefined }

/** A capture whose options are in order; whether the columns exist, only the database knows. */
export interface Capture {
  readonly table: string
  readonly entityName: string
  readonly entityId: string
  readonly tenantId: ResolvedSource
  readonly siteId: ResolvedSource
  /** Undefined where events have no data. */
  readonly data: readonly string[] | undefined
  /** Whether an Update also carries the data before it. */
  readonly before: boolean
  readonly actions: ReadonlySet<CaptureAction>
}
