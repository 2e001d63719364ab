import {
  type ForeignTransaction,
  foreignTransaction,
  refuseAsTransaction,
} from '../raise/foreign-transaction.ts'

export type { ForeignTransaction } from '../raise/foreign-transaction.ts'

/** What is used of the `Client` and the `PoolClient` of pg. */
export interface PgClient {
  query(statement: string, parameters: unknown[]): Promise<{ readonly rowCount: number | null }>
  /** Only pools have it: each query of a pool may run on another connection. */
  readonly totalCount?: never
}

/**
 * Raises events in a transaction that was begun on a client of pg.
 *
 * @param client - the connection on which `BEGIN` has been awaited.
 * @throws EventEngineError `not_a_transaction` for a pool, or a client that is in no transaction.
 * @example
 * ```ts
 * import { EntityNames, SyncEventActions } from '@x/events-core'
 * import type { EventEngine } from '@x/events-engine'
 * import { fromPg } from '@x/events-engine/pg'
 * import type { Pool } from 'pg'
 *
 * async function renamePage(pool: Pool, engine: EventEngine, pageId: number, name: string): Promise<void> {
 *   const client = await pool.connect()
 *   try {
 *     await client.query('begin')
 *     await client.query('update page set name = $1 where page_id = $2', [name, pageId])
 *     const site = { tenantId: 1, siteId: 7 }
 *     const trx = fromPg(client)
 *     await engine.syncManager.addSyncEvent(site, EntityNames.Page, pageId, SyncEventActions.Update, { trx })
 *     await client.query('commit')
 *   } catch (error) {
 *     await client.query('rollback')
 *     throw error
 *   } finally {
 *     client.release()
 *   }
 * }
 * ```
 */
export function fromPg(client: PgClient): ForeignTransaction {
  const wanted = 'the client on which you have awaited BEGIN'
  if (typeof client?.query !== 'function') refuseAsTransaction('fromPg', 'something else', wanted)
  if ('totalCount' in client) refuseAsTransaction('fromPg', 'a pool', wanted)
  return foreignTransaction({
    library: 'pg',
    async execute(statement, parameters) {
      if (isIdle(client)) refuseAsTransaction('fromPg', 'a client that is in no transaction', wanted)
      const { rowCount } = await client.query(statement, [...parameters])
      return rowCount ?? 0
    },
  })
}

/** pg 8.21 and newer keep what the server said last of the transaction; `I` is none. */
function isIdle(client: PgClient & { getTransactionStatus?: () => string | null }): boolean {
  return client.getTransactionStatus?.() === 'I'
}
