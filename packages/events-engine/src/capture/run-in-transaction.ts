import type { Transaction } from 'kysely'
import { type Parameter, runStatement } from '../sql/database.ts'

/** Runs a statement on the connection of one transaction. */
export type RunInTransaction = (statement: string, parameters: readonly Parameter[]) => Promise<unknown>

/** For a Kysely transaction; plugins of the host's see nothing of it. */
export function runnerOf<DB>(trx: Transaction<DB>): RunInTransaction {
  const bare = trx.withoutPlugins()
  return (statement, parameters) => runStatement(bare, statement, parameters)
}
