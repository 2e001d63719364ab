import { integer } from '../sql/columns.ts'
import { findsRow, readRows, runStatement, type SqlExecutor } from '../sql/database.ts'
import { ownTransaction } from '../sql/transact.ts'
import type { LogContext } from './context.ts'

const INCREMENTAL = 2
/** About 2 ms. */
const PAGES_AT_ONCE = 200
/** Free pages are used again: what comes and goes all the time need not leave the file. */
const LEAST_KEPT_PAGES = 256
const KEPT_SHARE = 0.1

/**
 * Lets a file that holds no table yet shrink later, page by page. Once there are tables, only `VACUUM` can do
 * that; so that a file of the host's own stays as the host wants it.
 */
export async function prepareEmptyFile(db: SqlExecutor): Promise<void> {
  if (await findsRow(db, 'select 1 as found from sqlite_schema limit 1')) return
  try {
    await runStatement(db, `pragma auto_vacuum = ${INCREMENTAL}`)
    // The journal's mode may have been written to the file already, after which the pragma alone does nothing.
    await runStatement(db, 'vacuum')
  } catch {
    // Another process is at it, or the driver allows no such thing: a file that cannot shrink works as well.
  }
}

/** Gives free pages of a file back to the disk, where its `auto_vacuum` is incremental. */
export function shrinkStatements({ db, sql }: LogContext) {
  async function pragma(name: string): Promise<number> {
    const [row] = await readRows(db, { [name]: integer }, `pragma ${name}`)
    return row?.[name] ?? 0
  }

  return {
    /** Gives some free pages of the database's file back to the disk. @returns whether there may be more. */
    async shrinkFile(): Promise<boolean> {
      // A server gives the space of deleted rows to new ones by itself.
      if (!sql.isLocal) return false
      if ((await pragma('auto_vacuum')) !== INCREMENTAL) return false
      const kept = Math.max(LEAST_KEPT_PAGES, Math.ceil((await pragma('page_count')) * KEPT_SHARE))
      const surplus = (await pragma('freelist_count')) - kept
      if (surplus <= 0) return false
      await ownTransaction(db, async (trx) => {
        // A driver that steps a statement once frees one page each time, whatever number is given.
        for (let page = 0; page < Math.min(surplus, PAGES_AT_ONCE); page++) {
          await runStatement(trx, 'pragma incremental_vacuum(1)')
        }
      })
      return true
    },
  }
}
