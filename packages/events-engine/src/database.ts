import {
  CompiledQuery,
  type Kysely,
  PostgresAdapter,
  type QueryResult,
  SqliteAdapter,
  type Transaction,
} from 'kysely'
import { EventEngineError } from './errors.ts'
import { retryConflicts } from './retry-conflicts.ts'

/** The databases that the engine knows. */
export type Dialect = 'sqlite' | 'postgres'

/** Whatever runs a compiled statement: a Kysely instance or a transaction of one, of any schema. */
export interface SqlExecutor {
  /** A transaction is rolled back as a whole: one statement of it cannot be tried again. */
  readonly isTransaction?: boolean
  executeQuery<TRow>(query: CompiledQuery<TRow>): Promise<QueryResult<TRow>>
}

const ownQueries = new WeakSet<CompiledQuery>()

function ownQuery(statement: string, parameters: readonly unknown[]): CompiledQuery {
  const query = CompiledQuery.raw(statement, [...parameters])
  ownQueries.add(query)
  return query
}

/** Whether a query is one of these packages, and no host's: ours know how long they may take. */
export function isOwnQuery(query: CompiledQuery): boolean {
  return ownQueries.has(query)
}

/** Runs one statement of constant text and gives its rows. */
export async function runStatement<TRow>(
  executor: SqlExecutor,
  statement: string,
  parameters: readonly unknown[] = [],
): Promise<TRow[]> {
  return (await execute(executor, ownQuery(statement, parameters) as CompiledQuery<TRow>)).rows
}

/** Runs one statement and tells how many rows it changed. */
export async function countChanges(
  executor: SqlExecutor,
  statement: string,
  parameters: readonly unknown[] = [],
): Promise<number> {
  const { numAffectedRows } = await execute(executor, ownQuery(statement, parameters))
  return Number(numAffectedRows ?? 0n)
}

/**
 * A statement on its own is a transaction, at whatever level the database begins them; where that is a
 * strict one, it may have to give way to others, and is done again.
 */
function execute<TRow>(executor: SqlExecutor, query: CompiledQuery<TRow>): Promise<QueryResult<TRow>> {
  if (executor.isTransaction) return executor.executeQuery(query)
  return retryConflicts(() => executor.executeQuery(query))
}

/** How long a transaction may do nothing that has no reason to, in milliseconds. */
export const IDLE_MS = 3_000

/**
 * PostgreSQL: ends this transaction when nothing is heard of us for so long. What a node has locked whose connection
 * fell silent would otherwise be locked for hours, for all others. A limit of the host's own is left alone.
 */
export async function limitIdle(trx: SqlExecutor, idleMs = IDLE_MS): Promise<void> {
  const setting = `'idle_in_transaction_session_timeout'`
  await runStatement(
    trx,
    `select set_config(${setting}, $1, true) where current_setting(${setting}) in ('0', '0ms')`,
    [String(idleMs)],
  )
}

/** Which of the known databases a Kysely instance talks to. */
export function dialectOf<DB>(db: Kysely<DB>): Dialect {
  const { adapter } = db.getExecutor()
  if (adapter instanceof SqliteAdapter || adapter.constructor.name === 'SqliteAdapter') return 'sqlite'
  if (adapter instanceof PostgresAdapter || adapter.constructor.name === 'PostgresAdapter') return 'postgres'
  throw new EventEngineError(
    'unsupported_dialect',
    `createEventEngine: options.db speaks ${adapter.constructor.name}; use Kysely's SqliteDialect or PostgresDialect.`,
  )
}

/**
 * Refuses what is no transaction of the engine's database: the event would be committed elsewhere
 * than the change that it tells of.
 */
export function assertOwnTransaction<DB>(
  db: Kysely<DB>,
  trx: Transaction<DB>,
  argument = 'addSyncEvent: options.trx',
): void {
  if (typeof trx?.getExecutor !== 'function' || !trx.isTransaction) {
    throw new EventEngineError(
      'not_a_transaction',
      `${argument} is no Kysely transaction; pass what db.transaction().execute(async (trx) => ...) gives.`,
    )
  }
  // The adapter is made once for each Kysely instance, and handed down to its transactions.
  if (trx.getExecutor().adapter !== db.getExecutor().adapter) {
    throw new EventEngineError(
      'wrong_database',
      `${argument} belongs to another Kysely instance than the one given to createEventEngine; use a transaction of the same instance.`,
    )
  }
}
