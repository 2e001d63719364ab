import {
  type ForeignTransaction,
  foreignTransaction,
  refuseAsTransaction,
  refuseDialect,
} from '../raise/foreign-transaction.ts'

export type { ForeignTransaction } from '../raise/foreign-transaction.ts'

/** What is used of the `Knex.Transaction` of Knex. */
export interface KnexTransaction {
  raw(statement: string, bindings: never): PromiseLike<unknown>
  readonly isTransaction?: boolean
  /** Only transactions have it. */
  isCompleted(): boolean
  readonly client: unknown
}

/**
 * Raises events in a transaction of Knex, on PostgreSQL.
 *
 * @param trx - what `knex.transaction` gives; a nested one is a savepoint.
 * @throws EventEngineError `not_a_transaction`, `unsupported_dialect`
 * @example
 * ```ts
 * import { EntityNames, SyncEventActions } from '@x/events-core'
 * import type { EventEngine } from '@x/events-engine'
 * import { fromKnex } from '@x/events-engine/knex'
 * import type { Knex } from 'knex'
 *
 * async function renamePage(knex: Knex, engine: EventEngine, pageId: number, name: string): Promise<void> {
 *   await knex.transaction(async (trx) => {
 *     await trx('page').where({ pageId }).update({ name })
 *     const site = { tenantId: 1, siteId: 7 }
 *     await engine.syncManager.addSyncEvent(site, EntityNames.Page, pageId, SyncEventActions.Update, {
 *       trx: fromKnex(trx),
 *     })
 *   })
 * }
 * ```
 */
export function fromKnex(trx: KnexTransaction): ForeignTransaction {
  if (typeof trx?.raw !== 'function' || !trx.isTransaction) {
    refuseAsTransaction(
      'fromKnex',
      'no transaction of Knex',
      'what knex.transaction(async (trx) => ...) gives',
    )
  }
  const { dialect } = trx.client as { readonly dialect?: unknown }
  if (dialect !== 'postgresql') refuseDialect('fromKnex', String(dialect))
  return foreignTransaction({
    library: 'knex',
    async execute(statement, parameters) {
      const result = await trx.raw(withQuestionMarks(statement), [...parameters] as never)
      return (result as { readonly rowCount: number | null }).rowCount ?? 0
    },
  })
}

/** Knex reads `?` as a placeholder, and `\?` as a question mark. */
function withQuestionMarks(statement: string): string {
  return statement.replaceAll(/\?|\$\d+/g, (found) => (found === '?' ? '\\?' : '?'))
}
