import type { Kysely } from 'kysely'
import { integer } from './columns.ts'
import { readRows, runStatement } from './database.ts'
import type { SqlDialect } from './dialect.ts'

interface Overwriting {
  users: number
  readonly before: Promise<number>
}

const overwriting = new WeakMap<object, Overwriting>()

/**
 * Makes SQLite overwrite deleted data with zeros while a function runs (`pragma secure_delete`). Afterwards the connection
 * has the host's setting again. Other databases remove the data by themselves.
 */
export async function withSecureDelete<TResult>(
  db: Kysely<unknown>,
  { leavesDeletedData }: SqlDialect,
  work: () => Promise<TResult>,
): Promise<TResult> {
  if (!leavesDeletedData) return work()
  // The adapter is made once for each connection, so it identifies the connection.
  const connection = db.getExecutor().adapter
  const entry = overwriting.get(connection) ?? { users: 0, before: switchOn(db) }
  overwriting.set(connection, entry)
  entry.users += 1
  try {
    await entry.before
    return await work()
  } finally {
    entry.users -= 1
    if (entry.users === 0) {
      overwriting.delete(connection)
      const before = await entry.before.catch(() => 1)
      if (before !== 1) await runStatement(db, `pragma secure_delete = ${before}`)
    }
  }
}

async function switchOn(db: Kysely<unknown>): Promise<number> {
  const [row] = await readRows(db, { secure_delete: integer }, 'pragma secure_delete')
  const before = row?.secure_delete ?? 0
  if (before !== 1) await runStatement(db, 'pragma secure_delete = 1')
  return before
}
