import { AsyncLocalStorage } from 'node:async_hooks'
import type { Assertion, TenantSite } from '@x/events-core'
import type { Dialect } from '../sql/database.ts'
import { assertInteger, createArgumentAssertion } from '../util/assert.ts'
import type { CaptureNames, RunInTransaction } from './sql.ts'

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

/** Creates the context of an engine. */
export function createCaptureContext(dialect: Dialect, names: CaptureNames): CaptureContext {
  const frames = new AsyncLocalStorage<Frame>()
  const write = dialect === 'sqlite' ? sqliteContext(names) : postgresContext(names)

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

type WriteContext = (run: RunInTransaction, site: TenantSite | undefined) => Promise<unknown>

/** A row that is never committed. SQLite has one writer, so no other transaction sees it. */
function sqliteContext({ context }: CaptureNames): WriteContext {
  const set = `insert or replace into ${context} (singleton, tenant_id, site_id) values (1, ?, ?)`
  const clear = `delete from ${context}`
  return (run, site) => (site ? run(set, [site.tenantId, site.siteId]) : run(clear, []))
}

/** A setting that PostgreSQL resets when the transaction ends. */
function postgresContext({ setting }: CaptureNames): WriteContext {
  const set = `select set_config('${setting}', $1, true)`
  return (run, site) => run(set, [site ? `${site.tenantId}:${site.siteId}` : ''])
}

function assertSite(site: TenantSite): void {
  for (const name of ['tenantId', 'siteId'] as const) assertInteger(assertArgument, name, site?.[name])
}
