import type { TenantSite } from '@x/events-core'
import type { HostTransaction } from '../raise/append.ts'
import type { CaptureTableOptions, ReleaseTableOptions } from './capture-options.ts'

/** The part of an engine about captured tables, whose changes raise events in the database itself. */
export interface TableCapture<DB> {
  /**
   * Makes the database raise a Create, Update or Delete for each row of a table that changes, no matter how: by the host, a
   * bulk statement, a cascade, another program. An event is committed or rolled back with its change.
   *
   * Call it on every start, after the migrations: it does nothing where its triggers are up to date,
   * and replaces them where the table or the options have changed.
   *
   * @throws EventEngineError `invalid_capture`, `not_migrated`, `trx_required`, `not_a_transaction`,
   *   `wrong_database`; nothing was changed then.
   * @example
   * ```ts
   * import { EntityNames } from '@x/events-core'
   * import type { EventEngine } from '@x/events-engine'
   *
   * async function capturePages(engine: EventEngine): Promise<void> {
   *   await engine.captureTable({
   *     table: 'page',
   *     entityName: EntityNames.Page,
   *     entityId: 'pageId',
   *     tenantId: 1,
   *     siteId: { column: 'siteId' },
   *     data: ['name', 'path'],
   *   })
   * }
   * ```
   */
  captureTable(options: CaptureTableOptions<DB>): Promise<void>
  /**
   * Removes the triggers of {@link TableCapture.captureTable} from a table.
   *
   * @returns whether the table had any.
   * @throws EventEngineError `invalid_capture`, `trx_required`, `not_a_transaction`, `wrong_database`
   */
  releaseTable(table: string, options?: ReleaseTableOptions<DB>): Promise<boolean>
  /**
   * Runs a function for a tenant and site: captured tables without columns for them take them from
   * here, within `engine.transaction` or {@link TableCapture.applyContext}. An inner context stands in
   * for an outer one until it ends.
   *
   * @throws EventEngineError `invalid_argument`, and what the function throws.
   * @example
   * ```ts
   * import type { EventEngine } from '@x/events-engine'
   *
   * async function importPages(engine: EventEngine<{ page: { name: string } }>): Promise<void> {
   *   await engine.withContext({ tenantId: 1, siteId: 7 }, () =>
   *     engine.transaction(({ trx }) => trx.insertInto('page').values({ name: 'Home' }).execute()),
   *   )
   * }
   * ```
   */
  withContext<TResult>(site: TenantSite, work: () => TResult | Promise<TResult>): Promise<TResult>
  /**
   * Gives a transaction of the host's the context of its caller, until the function ends; and wakes
   * subscribers. `engine.transaction` does so by itself. The function must not end the transaction.
   *
   * @throws EventEngineError `not_a_transaction`, `wrong_database`, and what the function throws.
   * @example
   * ```ts
   * import type { EventEngine } from '@x/events-engine'
   *
   * async function renamePage(engine: EventEngine<{ page: { name: string } }>): Promise<void> {
   *   await engine.withContext({ tenantId: 1, siteId: 7 }, () =>
   *     engine.db.transaction().execute((trx) =>
   *       engine.applyContext(trx, () => trx.updateTable('page').set({ name: 'Home' }).execute()),
   *     ),
   *   )
   * }
   * ```
   */
  applyContext<TResult>(trx: HostTransaction<DB>, work: () => TResult | Promise<TResult>): Promise<TResult>
}
