import { CompiledQuery, type IsolationLevel, type Kysely, type Transaction } from 'kysely'
import { retryConflicts } from './database-errors.ts'
import { sqlOf } from './dialects.ts'

/**
 * Runs a function in a transaction, and throws the function's error. Where the rollback fails as well (the connection is
 * gone; a full disk has made SQLite roll back by itself), Kysely would throw that error, which hides the cause.
 *
 * @param level - where a database has some; its default where none is given.
 */
export async function transact<DB, TResult>(
  db: Kysely<DB>,
  work: (trx: Transaction<DB>) => Promise<TResult>,
  level?: IsolationLevel,
): Promise<TResult> {
  const { beginsAsReader, hasIsolationLevels } = sqlOf(db)
  const builder = db.transaction()
  let first: { readonly error: unknown } | undefined
  try {
    return await (level === undefined || !hasIsolationLevels
      ? builder
      : builder.setIsolationLevel(level)
    ).execute(async (trx) => {
      try {
        if (beginsAsReader) await beginAsWriter(trx)
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

/**
 * The isolation level that our statements are written for: each sees what was committed before it, and waits for a row
 * that another transaction changes. A database may have another default, at which they would fail instead.
 */
export const OWN_LEVEL = 'read committed'

/**
 * Runs a function of these packages in a transaction, at {@link OWN_LEVEL}. It is run again where another transaction made
 * it fail, so it must have no effects but those that are rolled back.
 */
export function ownTransaction<DB, TResult>(
  db: Kysely<DB>,
  work: (trx: Transaction<DB>) => Promise<TResult>,
): Promise<TResult> {
  return retryConflicts(() => transact(db, work, OWN_LEVEL))
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
