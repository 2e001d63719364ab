import { AsyncLocalStorage } from 'node:async_hooks'
import type { Assertion, TenantSite } from '@x/events-core'
import type { Transaction } from 'kysely'
import { runStatement } from '../sql/database.ts'
import { assertInteger, createArgumentAssertion } from '../util/assert.ts'
import type { CaptureTriggers, RunInTransaction } from './capture-dialect.ts'

const assertArgument: Assertion = createArgumentAssertion('withContext')

interface OpenTransaction {
  readonly run: RunInTransaction
  /** False once it has ended: work that it started and that goes on must not use it again. */
  open: boolean
}

/** What one call of {@link CaptureContext.within} or {@link CaptureContext.inTransaction} adds to its caller's. */
interface Frame {
  readonly site: TenantSite | undefined
  readonly transaction: OpenTransaction | undefined
  /** Contexts that begin side by side in one transaction take turns: it has room for one. */
  turn: Promise<unknown>
}

/** Which tenant and site the triggers of captured tables find. */
export interface CaptureContext {
  /** Runs a function in a context; what it awaits finds the same. */
  within<TResult>(site: TenantSite, work: () => TResult | Promise<TResult>): Promise<TResult>
  /** Whether the caller runs inside of a transaction that has the context. */
  hasTransaction(): boolean
  /** Runs a function that uses a transaction, which gets the caller's context and loses it again. */
  inTransaction<TResult>(run: RunInTransaction, work: () => TResult | Promise<TResult>): Promise<TResult>
}

/** Creates the runner of a Kysely transaction, without the host's plugins. */
export function runnerOf<DB>(trx: Transaction<DB>): RunInTransaction {
  const bare = trx.withoutPlugins()
  return (statement, parameters) => runStatement(bare, statement, parameters)
}

/** Creates the context of an engine. */
export function createCaptureContext(write: CaptureTriggers['writeContext']): CaptureContext {
  const frames = new AsyncLocalStorage<Frame>()

  /** Until `work` has ended, the transaction's triggers find `site`; then what they found before. */
  async function switchTo<TResult>(
    transaction: OpenTransaction,
    site: TenantSite | undefined,
    before: TenantSite | undefined,
    work: () => TResult | Promise<TResult>,
  ): Promise<TResult> {
    const inside = () => frames.run({ site, transaction, turn: Promise.resolve() }, async () => work())
    if (site === before) return inside()
    await write(transaction.run, site)
    let result: TResult
    try {
      result = await inside()
    } catch (error) {
      // Where the transaction has failed, this fails as well; the rollback does it then.
      await write(transaction.run, before).catch(() => {})
      throw error
    }
    await write(transaction.run, before)
    return result
  }

  return {
    async within(site, work) {
      assertSite(site)
      assertArgument(typeof work === 'function', 'work', 'a function', work)
      const frame = frames.getStore()
      if (!frame?.transaction?.open) {
        return frames.run({ site, transaction: undefined, turn: Promise.resolve() }, work)
      }
      const { transaction } = frame
      const turn = frame.turn.then(() => switchTo(transaction, site, frame.site, work))
      frame.turn = turn.catch(() => {})
      return turn
    },

    hasTransaction: () => frames.getStore()?.transaction?.open === true,

    async inTransaction(run, work) {
      const transaction = { run, open: true }
      try {
        return await switchTo(transaction, frames.getStore()?.site, undefined, work)
      } finally {
        transaction.open = false
      }
    },
  }
}

function assertSite(site: TenantSite): void {
  for (const name of ['tenantId', 'siteId'] as const) assertInteger(assertArgument, name, site?.[name])
}
