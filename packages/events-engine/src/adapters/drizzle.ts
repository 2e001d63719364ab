import {
  type ForeignTransaction,
  foreignTransaction,
  refuseAsTransaction,
  refuseDialect,
} from '../raise/foreign-transaction.ts'

export type { ForeignTransaction } from '../raise/foreign-transaction.ts'

/** What is used of the `PgTransaction` of Drizzle, whichever driver it runs on. */
export interface DrizzleTransaction {
  execute(query: never): PromiseLike<unknown>
  /** Only transactions have it. */
  rollback(): never
}

/**
 * Raises events in a transaction of Drizzle, on PostgreSQL.
 *
 * @param tx - what `db.transaction` gives to its function; a nested one is a savepoint.
 * @throws EventEngineError `not_a_transaction`, `unsupported_dialect`
 * @example
 * ```ts
 * import { EntityNames, SyncEventActions } from '@x/events-core'
 * import type { EventEngine } from '@x/events-engine'
 * import { fromDrizzle } from '@x/events-engine/drizzle'
 * import { eq } from 'drizzle-orm'
 * import type { NodePgDatabase } from 'drizzle-orm/node-postgres'
 * import { integer, pgTable, text } from 'drizzle-orm/pg-core'
 *
 * const page = pgTable('page', { pageId: integer().primaryKey(), name: text().notNull() })
 *
 * async function renamePage(db: NodePgDatabase, engine: EventEngine, pageId: number, name: string) {
 *   await db.transaction(async (tx) => {
 *     await tx.update(page).set({ name }).where(eq(page.pageId, pageId))
 *     const site = { tenantId: 1, siteId: 7 }
 *     await engine.syncManager.addSyncEvent(site, EntityNames.Page, pageId, SyncEventActions.Update, {
 *       trx: fromDrizzle(tx),
 *     })
 *   })
 * }
 * ```
 */
export function fromDrizzle(tx: DrizzleTransaction): ForeignTransaction {
  const kinds = entityKindsOf(tx)
  if (!kinds.includes('PgTransaction')) {
    const other = kinds.find((kind) => /^(SQLite|MySql|SingleStore)Transaction$/.test(kind))
    if (other !== undefined) refuseDialect('fromDrizzle', other.replace('Transaction', ''))
    refuseAsTransaction(
      'fromDrizzle',
      kinds[0] ?? 'something else',
      'what db.transaction(async (tx) => ...) gives',
    )
  }
  return foreignTransaction({
    library: 'drizzle',
    execute: async (statement, parameters) =>
      changesOf(await tx.execute(rawQuery(statement, [...parameters]) as never)),
  })
}

const ENTITY_KIND = Symbol.for('drizzle:entityKind')

/** What Drizzle calls the classes of an object, the nearest first: its own way to know its kinds. */
function entityKindsOf(value: unknown): string[] {
  const kinds: string[] = []
  if (typeof value !== 'object' || value === null) return kinds
  for (
    let prototype: object | null = Object.getPrototypeOf(value);
    prototype !== null;
    prototype = Object.getPrototypeOf(prototype)
  ) {
    const kind = (prototype.constructor as { readonly [ENTITY_KIND]?: unknown })[ENTITY_KIND]
    if (typeof kind === 'string') kinds.push(kind)
  }
  return kinds
}

/** The part of Drizzle's `SQL` that `execute` asks for. Its `sql` cannot bind a finished text's parameters. */
function rawQuery(statement: string, parameters: unknown[]) {
  return { getSQL: () => ({ toQuery: () => ({ sql: statement, params: parameters }) }) }
}

/** Drizzle hands out what the driver answers: pg and Neon, postgres.js, PGlite. */
function changesOf(result: unknown): number {
  const { rowCount, count, affectedRows } = result as {
    readonly rowCount?: number | null
    readonly count?: number
    readonly affectedRows?: number
  }
  return rowCount ?? count ?? affectedRows ?? 0
}
