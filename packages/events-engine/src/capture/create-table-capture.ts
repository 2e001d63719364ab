import type { Kysely, Transaction } from 'kysely'
import { EventEngineError } from '../errors.ts'
import type { EventEngineSettings } from '../options.ts'
import type { HostTransaction } from '../raise/append.ts'
import { isForeignTransaction } from '../raise/foreign-transaction.ts'
import { assertOwnTransaction, type Dialect, runStatement, type SqlExecutor } from '../sql/database.ts'
import { ownTransaction } from '../sql/transact.ts'
import type { TableNames } from '../store/table-names.ts'
import { type CaptureContext, createCaptureContext } from './capture-context.ts'
import type { CaptureDialect } from './capture-dialect.ts'
import { postgresCapture } from './postgres-capture.ts'
import { assertName, resolveCapture } from './resolve-capture.ts'
import { captureNames, type RunInTransaction, runnerOf } from './sql.ts'
import { sqliteCapture } from './sqlite-capture.ts'
import type { TableCapture } from './table-capture.ts'

/** What a {@link TableCapture} works with. */
export interface TableCaptureParts<DB> {
  readonly settings: Pick<EventEngineSettings<DB>, 'db' | 'maxDataBytes'>
  readonly dialect: Dialect
  readonly names: TableNames
  /** Called when a transaction has changed something and will commit soon. */
  changed(): void
}

/** Creates what an engine captures tables with, and the context that its transactions carry. */
export function createTableCapture<DB>(
  parts: TableCaptureParts<DB>,
): TableCapture<DB> & { readonly context: CaptureContext } {
  const { names, changed } = parts
  const { db, maxDataBytes } = parts.settings
  const dialect = (parts.dialect === 'sqlite' ? sqliteCapture : postgresCapture)(names, maxDataBytes)
  const context = createCaptureContext(parts.dialect, captureNames(names))

  /** Changes triggers in one transaction, if there is anything to change. */
  async function change(
    caller: string,
    trx: Transaction<DB> | undefined,
    plan: (executor: SqlExecutor) => Promise<readonly string[]>,
  ): Promise<boolean> {
    if (trx !== undefined) {
      assertOwnTransaction(db, trx, `${caller}: options.trx`)
      const bare = trx.withoutPlugins()
      return (await plan(bare)).length > 0 && lockAndRun(dialect, bare, plan)
    }
    if (context.hasTransaction()) {
      throw new EventEngineError(
        'trx_required',
        `${caller}: called inside a transaction without options.trx; pass that transaction.`,
      )
    }
    // Asked without a lock first: on most starts there is nothing to do.
    if ((await plan(db.withoutPlugins())).length === 0) return false
    return ownTransaction(db.withoutPlugins(), (own) => lockAndRun(dialect, own, plan))
  }

  return {
    context,

    async captureTable(options) {
      const capture = resolveCapture(options)
      await change('captureTable', options.trx, (executor) => dialect.planCapture(executor, capture))
    },

    async releaseTable(table, options = {}) {
      assertName('table', table)
      return change('releaseTable', options.trx, (executor) => dialect.planRelease(executor, table))
    },

    withContext: context.within,

    async applyContext(trx, work) {
      const result = await context.inTransaction(foreignOrOwn(db, parts.dialect, trx), work)
      changed()
      return result
    },
  }
}

async function lockAndRun(
  dialect: CaptureDialect,
  executor: SqlExecutor,
  plan: (executor: SqlExecutor) => Promise<readonly string[]>,
): Promise<boolean> {
  await dialect.lock(executor)
  const statements = await plan(executor)
  for (const statement of statements) await runStatement(executor, statement)
  return statements.length > 0
}

function foreignOrOwn<DB>(db: Kysely<DB>, dialect: Dialect, trx: HostTransaction<DB>): RunInTransaction {
  if (!isForeignTransaction(trx)) {
    assertOwnTransaction(db, trx, 'applyContext: trx')
    return runnerOf(trx)
  }
  if (dialect === 'postgres') return trx.execute
  throw new EventEngineError(
    'unsupported_dialect',
    `applyContext: trx comes from ${trx.library}, and this engine's database is SQLite; use engine.transaction.`,
  )
}
