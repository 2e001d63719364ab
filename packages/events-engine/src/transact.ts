import { CompiledQuery, type Kysely, type Transaction } from 'kysely'
import { dialectOf } from './database.ts'

/**
 * Runs a function in a transaction, and throws what it threw. Where the rollback fails as well (the
 * connection is gone; a full disk has made SQLite roll back by itself), Kysely throws that instead,
 * which tells nobody what had happened.
 */
export async function transact<DB, TResult>(
  db: Kysely<DB>,
  work: (trx: Transaction<DB>) => Promise<TResult>,
): Promise<TResult> {
  let first: { readonly error: unknown } | undefined
  try {
    return await db.transaction().execute(async (trx) => {
      try {
        if (dialectOf(db) === 'sqlite') await beginAsWriter(trx)
        return await work(trx)
      } catch (error) {
        first = { error }
        throw error
      }
    })
  } catch (error) {
    throw first ? first.error : error
  }
}

const commit = CompiledQuery.raw('commit')
const beginImmediate = CompiledQuery.raw('begin immediate')

/**
 * Takes SQLite's write lock before anything is read. Kysely begins deferred: such a transaction reads
 * from a snapshot, and where another process has written since, its first write is refused at once
 * (SQLITE_BUSY), however long the host is ready to wait. Kysely has no option for it; so the
 * transaction that it has just begun, still empty, makes way for one that waits for its turn.
 */
async function beginAsWriter<DB>(trx: Transaction<DB>): Promise<void> {
  const bare = trx.withoutPlugins()
  await bare.executeQuery(commit)
  await bare.executeQuery(beginImmediate)
}
