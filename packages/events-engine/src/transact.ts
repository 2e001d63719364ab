import type { Kysely, Transaction } from 'kysely'

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
