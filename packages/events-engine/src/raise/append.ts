import type { Kysely, Transaction } from 'kysely'
import { EventEngineError } from '../errors.ts'
import { assertOwnTransaction } from '../sql/database.ts'
import { isUndefinedTable } from '../sql/database-errors.ts'
import type { SqlDialect } from '../sql/dialect.ts'
import { MOST_ROWS } from '../sql/rows-statement.ts'
import { appendForeignStatement } from '../store/append.ts'
import type { EventRow } from '../store/event-row.ts'
import type { EventStore } from '../store/event-store.ts'
import type { TableNames } from '../store/table-names.ts'
import { type ForeignTransaction, isForeignTransaction } from './foreign-transaction.ts'

/** A transaction that an event can be raised in. */
export type HostTransaction<DB> = Transaction<DB> | ForeignTransaction

/** What {@link createTransactionAppender} works with. */
export interface TransactionAppenderParts<DB> {
  readonly db: Kysely<DB>
  readonly sql: SqlDialect
  readonly store: EventStore
  readonly names: TableNames
  /** Which log is the engine's; undefined as long as the engine has not asked. */
  logId(): string | undefined
}

/** Creates the function that appends events in transactions of the host. */
export function createTransactionAppender<DB>({
  db,
  sql,
  store,
  names,
  logId,
}: TransactionAppenderParts<DB>): (trx: HostTransaction<DB>, row: EventRow) => Promise<void> {
  const appendForeign = appendForeignStatement({ sql, names })

  async function appendInForeign(trx: ForeignTransaction, row: EventRow): Promise<void> {
    // Another connection to the file waits for this one's lock, in the same thread.
    if (sql.isLocal) {
      throw new EventEngineError(
        'unsupported_dialect',
        `addSyncEvent: options.trx comes from ${trx.library}, and this engine's database is ${sql.title}; use engine.transaction, and run the statements of ${trx.library} inside of it, on the same connection.`,
      )
    }
    let found: boolean
    try {
      found = await appendForeign(trx, row, logId())
    } catch (cause) {
      if (!isUndefinedTable(cause)) throw cause
      throw wrongDatabase(trx, `finds no table ${names.syncEvent} there`, cause)
    }
    if (!found) throw wrongDatabase(trx, 'finds another event log there')
  }

  return async (trx, row) => {
    if (isForeignTransaction(trx)) return appendInForeign(trx, row)
    assertOwnTransaction(db, trx)
    await store.append(trx.withoutPlugins(), row)
  }
}

function wrongDatabase(trx: ForeignTransaction, what: string, cause?: unknown): EventEngineError {
  return new EventEngineError(
    'wrong_database',
    `addSyncEvent: options.trx, which comes from ${trx.library}, ${what}; connect ${trx.library} to the database (and search_path) of the engine's Kysely instance.`,
    cause === undefined ? undefined : { cause },
  )
}

// As many rows as one statement takes, which is a transaction of its own.
const MAX_BATCH = MOST_ROWS

interface Waiting {
  readonly row: EventRow
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

/** Appends events that are raised outside of a transaction. */
export interface AppendBatcher {
  /** Commits an event. */
  (row: EventRow): Promise<void>
  /** The earliest time at which an event was raised that is not committed yet; undefined where all are. */
  oldestUncommitted(): number | undefined
}

/**
 * Batches events that are raised outside of a transaction: those that arrive during a commit share the next one, so that
 * many callers cost few disk flushes.
 */
export function createAppendBatcher(db: Kysely<unknown>, store: EventStore): AppendBatcher {
  let batch: Waiting[] = []
  let waiting: Waiting[] = []
  let committing = false

  async function commit(): Promise<void> {
    committing = true
    while (waiting.length > 0) {
      batch = waiting.slice(0, MAX_BATCH)
      waiting = waiting.slice(MAX_BATCH)
      try {
        await store.appendAll(
          db,
          batch.map(({ row }) => row),
        )
        for (const { resolve } of batch) resolve()
      } catch (error) {
        for (const { reject } of batch) reject(error)
      }
      batch = []
    }
    committing = false
  }

  const append = (row: EventRow) =>
    new Promise<void>((resolve, reject) => {
      waiting.push({ row, resolve, reject })
      // Later in this turn, so that events raised in the same turn are included.
      if (!committing) {
        committing = true
        queueMicrotask(commit)
      }
    })
  return Object.assign(append, {
    oldestUncommitted() {
      let oldest: number | undefined
      // The clock may have been set back in between.
      for (const { row } of [...batch, ...waiting]) {
        if (oldest === undefined || row.modified_on < oldest) oldest = row.modified_on
      }
      return oldest
    },
  })
}
