import type { Kysely, Transaction } from 'kysely'
import { EventEngineError } from '../errors.ts'
import type { EventEngineSettings } from '../options.ts'
import type { HostTransaction } from '../raise/append.ts'
import { isForeignTransaction } from '../raise/foreign-transaction.ts'
import { assertOwnTransaction, runStatement, type SqlExecutor } from '../sql/database.ts'
import type { SqlDialect } from '../sql/dialect.ts'
import { ownTransaction } from '../sql/transact.ts'
import type { TableNames } from '../store/table-names.ts'
import { type CaptureContext, createCaptureContext, runnerOf } from './capture-context.ts'
import type { CaptureTriggers, RunInTransaction } from './capture-dialect.ts'
import { captureDialectOf } from './capture-dialects.ts'
import { assertName, resolveCapture, resolveRelease } from './resolve-capture.ts'
import type { TableCapture } from './table-capture.ts'

/** What a {@link TableCapture} works with. */
export interface TableCaptureParts<DB> {
  readonly settings: Pick<EventEngineSettings<DB>, 'db' | 'maxDataBytes'>
  readonly sql: SqlDialect
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
  const triggers = captureDialectOf(parts.sql.name).createTriggers(names, maxDataBytes)
  const context = createCaptureContext(triggers.writeContext)

  /** Changes triggers in one transaction, if there is anything to change. */
  async function change(
    caller: string,
    trx: Transaction<DB> | undefined,
    plan: (executor: SqlExecutor) => Promise<readonly string[]>,
  ): Promise<boolean> {
    if (trx !== undefined) {
      assertOwnTransaction(db, trx, `${caller}: options.trx`)
      const bare = trx.withoutPlugins()
      return (await plan(bare)).length > 0 && lockAndRun(triggers, bare, plan)
    }
    if (context.hasTransaction()) {
      throw new EventEngineError(
        'trx_required',
        `${caller}: called inside a transaction without options.trx; pass that transaction.`,
      )
    }
    // Asked without a lock first: on most starts there is nothing to do.
    if ((await plan(db.withoutPlugins())).length === 0) return false
    return ownTransaction(db.withoutPlugins(), (own) => lockAndRun(triggers, own, plan))
  }

  return {
    context,

    async captureTable(options) {
      const capture = resolveCapture(options)
      await change('captureTable', options.trx, (executor) => triggers.planCapture(executor, capture))
    },

    async releaseTable(table, options) {
      assertName('table', table)
      return change('releaseTable', resolveRelease(options).trx, (executor) =>
        triggers.planRelease(executor, table),
      )
    },

    withContext: context.within,

    async applyContext(trx, work) {
      const result = await context.inTransaction(foreignOrOwn(db, parts.sql, trx), work)
      changed()
      return result
    },
  }
}

async function lockAndRun(
  triggers: CaptureTriggers,
  executor: SqlExecutor,
  plan: (executor: SqlExecutor) => Promise<readonly string[]>,
): Promise<boolean> {
  await triggers.lock(executor)
  const statements = await plan(executor)
  for (const statement of statements) await runStatement(executor, statement)
  return statements.length > 0
}

function foreignOrOwn<DB>(db: Kysely<DB>, sql: SqlDialect, trx: HostTransaction<DB>): RunInTransaction {
  if (!isForeignTransaction(trx)) {
    assertOwnTransaction(db, trx, 'applyContext: trx')
    return runnerOf(trx)
  }
  if (!sql.isLocal) return trx.execute
  throw new EventEngineError(
    'unsupported_dialect',
    `applyContext: trx comes from ${trx.library}, and this engine's database is ${sql.title}; use engine.transaction.`,
  )
}
