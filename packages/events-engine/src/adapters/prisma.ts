import {
  type ForeignTransaction,
  foreignTransaction,
  refuseAsTransaction,
} from '../raise/foreign-transaction.ts'

export type { ForeignTransaction } from '../raise/foreign-transaction.ts'

/** What is used of the `Prisma.TransactionClient` of Prisma. */
export interface PrismaTransaction {
  $executeRawUnsafe(statement: string, ...parameters: unknown[]): PromiseLike<number>
  /** Only the client itself has it. */
  readonly $connect?: never
}

/**
 * Raises events in an interactive transaction of Prisma, on PostgreSQL.
 *
 * @param tx - what `prisma.$transaction` gives to its function.
 * @throws EventEngineError `not_a_transaction`
 * @example
 * ```ts
 * import { EntityNames, SyncEventActions } from '@x/events-core'
 * import type { EventEngine } from '@x/events-engine'
 * import { fromPrisma, type PrismaTransaction } from '@x/events-engine/prisma'
 *
 * interface Transaction extends PrismaTransaction {
 *   page: { update(change: { where: { pageId: number }; data: { name: string } }): Promise<unknown> }
 * }
 * interface Client {
 *   $transaction<TResult>(work: (tx: Transaction) => Promise<TResult>): Promise<TResult>
 * }
 *
 * async function renamePage(prisma: Client, engine: EventEngine, pageId: number, name: string): Promise<void> {
 *   await prisma.$transaction(async (tx) => {
 *     await tx.page.update({ where: { pageId }, data: { name } })
 *     const site = { tenantId: 1, siteId: 7 }
 *     await engine.syncManager.addSyncEvent(site, EntityNames.Page, pageId, SyncEventActions.Update, {
 *       trx: fromPrisma(tx),
 *     })
 *   })
 * }
 * ```
 */
export function fromPrisma(tx: PrismaTransaction): ForeignTransaction {
  const wanted = 'what prisma.$transaction(async (tx) => ...) gives'
  if (typeof tx?.$executeRawUnsafe !== 'function') refuseAsTransaction('fromPrisma', 'something else', wanted)
  if (tx.$connect !== undefined) refuseAsTransaction('fromPrisma', 'the client itself', wanted)
  return foreignTransaction({
    library: 'prisma',
    execute: async (statement, parameters) => tx.$executeRawUnsafe(statement, ...parameters),
  })
}
