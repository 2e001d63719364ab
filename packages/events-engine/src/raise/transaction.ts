import { AsyncLocalStorage } from 'node:async_hooks'
import type {
  AddSyncEventOptions,
  Assertion,
  EntityData,
  EntityName,
  SyncEvent,
  SyncEventAction,
  TenantSite,
} from '@x/events-core'
import type { Kysely, Transaction } from 'kysely'
import { type CaptureContext, runnerOf } from '../capture/capture-context.ts'
import { transact } from '../sql/transact.ts'
import { createArgumentAssertion } from '../util/assert.ts'
import type { SyncManager } from './sync-manager.ts'

/** `addSyncEvent`, bound to the transaction that it is handed out with. */
export type Raise = <const TName extends EntityName>(
  site: TenantSite,
  entityName: TName,
  entityId: number | string,
  action: SyncEventAction,
  options?: Pick<AddSyncEventOptions<never, EntityData<TName>>, 'data'>,
) => Promise<SyncEvent>

/** The argument of the function given to `engine.transaction`. */
export interface RaisingTransaction<DB> {
  readonly trx: Transaction<DB>
  readonly raise: Raise
}

/** Runs functions in transactions, and knows whether its caller is inside of one. */
export interface TransactionRunner<DB> {
  run<TResult>(work: (transaction: RaisingTransaction<DB>) => Promise<TResult>): Promise<TResult>
  /** Whether the caller is inside of `run`: on SQLite, raising there without the transaction would wait for itself. */
  active(): boolean
}

const assertArgument: Assertion = createArgumentAssertion('transaction')

/** Creates the runner of an engine. */
export function createTransactionRunner<DB>(
  db: Kysely<DB>,
  context: CaptureContext,
  syncManager: () => SyncManager<DB>,
  committed: (hasRaised: boolean) => void,
): TransactionRunner<DB> {
  const inside = new AsyncLocalStorage<true>()

  return {
    active: () => inside.getStore() === true,
    async run(work) {
      assertArgument(typeof work === 'function', 'work', 'a function', work)
      let hasRaised = false
      const result = await inside.run(true, () =>
        transact(db, (trx) => {
          const raise: Raise = (site, entityName, entityId, action, options) => {
            hasRaised = true
            return syncManager().addSyncEvent(site, entityName, entityId, action, { ...options, trx })
          }
          return context.inTransaction(runnerOf(trx), () => work({ trx, raise }))
        }),
      )
      committed(hasRaised)
      return result
    },
  }
}
