import { CompiledQuery, type Kysely, type QueryResult, type Transaction } from 'kysely'
import { EventEngineError } from '../errors.ts'
import { type Columns, type RowOf, readRow } from './columns.ts'
import { retryConflicts } from './database-errors.ts'
import { ownError } from './own-tables.ts'

/** The databases that the engine knows. */
export type Dialect = 'sqlite' | 'postgres'

/** Runs compiled statements: a Kysely instance or a transaction of one, of any schema. */
export interface SqlExecutor {
  /** A transaction is rolled back as a whole: one statement of it cannot be tried again. */
  readonly isTransaction?: boolean
  executeQuery<TRow>(query: CompiledQuery<TRow>): Promise<QueryResult<TRow>>
}

/**
 * What a statement can be given. Nothing else is written alike by every driver: lists, dates and objects go as
 * JSON text, of which the statement says `$1::text::json` on PostgreSQL, since some drivers would encode it again.
 */
export type Parameter = string | number | null

/** A text as a dialect wants it, and which of the given parameters go where: see `sql/dialect.ts`. */
export interface Statement {
  readonly text: string
  /** For each of the text's parameters, the index of the one that is given. */
  readonly order: readonly number[]
}

const ownQueries = new WeakSet<CompiledQuery>()

/** Whether a query is one of these packages, and not the host's: ours have a limit of time. */
export function isOwnQuery(query: CompiledQuery): boolean {
  return ownQueries.has(query)
}

/** Runs one statement of constant text, and ignores its rows. */
export async function runStatement(
  executor: SqlExecutor,
  statement: string | Statement,
  parameters: readonly Parameter[] = [],
): Promise<void> {
  await execute(executor, statement, parameters)
}

/**
 * Runs one statement of constant text and reads its rows. Every column is read, since drivers return numbers, booleans and
 * JSON in different forms.
 *
 * @throws EventEngineError `unreadable_value`
 */
export async function readRows<TColumns extends Columns>(
  executor: SqlExecutor,
  columns: TColumns,
  statement: string | Statement,
  parameters: readonly Parameter[] = [],
): Promise<RowOf<TColumns>[]> {
  const { rows } = await execute(executor, statement, parameters)
  return rows.map((row) => readRow(columns, row))
}

/** Runs one statement, and returns whether it has a row. */
export async function findsRow(
  executor: SqlExecutor,
  statement: string | Statement,
  parameters: readonly Parameter[] = [],
): Promise<boolean> {
  return (await readRows(executor, {}, statement, parameters)).length > 0
}

/**
 * Runs one statement, and returns how many rows it changed.
 *
 * @throws EventEngineError `unsupported_driver` when the driver does not say.
 */
export async function countChanges(
  executor: SqlExecutor,
  statement: string | Statement,
  parameters: readonly Parameter[] = [],
): Promise<number> {
  const { numAffectedRows } = await execute(executor, statement, parameters)
  if (numAffectedRows !== undefined) return Number(numAffectedRows)
  throw new EventEngineError(
    'unsupported_driver',
    'The Kysely dialect of options.db does not return how many rows a statement has changed (numAffectedRows); use one that does, see the guide about other database libraries.',
  )
}

type UnreadRow = Readonly<Record<string, unknown>>

/**
 * A statement on its own is a transaction at the default level of the database. Where that is a strict one, the statement
 * may fail because of another transaction, and is repeated.
 */
async function execute(
  executor: SqlExecutor,
  statement: string | Statement,
  parameters: readonly Parameter[],
): Promise<QueryResult<UnreadRow>> {
  const query = compiled(statement, parameters)
  ownQueries.add(query)
  try {
    if (executor.isTransaction) return await executor.executeQuery(query)
    return await retryConflicts(() => executor.executeQuery(query))
  } catch (error) {
    throw ownError(error)
  }
}

function compiled(statement: string | Statement, parameters: readonly Parameter[]): CompiledQuery<UnreadRow> {
  if (typeof statement === 'string')
    return CompiledQuery.raw(statement, [...parameters]) as CompiledQuery<UnreadRow>
  const values = statement.order.map((index) => parameters[index])
  return CompiledQuery.raw(statement.text, values) as CompiledQuery<UnreadRow>
}

/** How long a transaction may idle that has no reason to, in milliseconds. */
export const IDLE_MS = 3_000

/**
 * Refuses what is no transaction of the engine's database: the event would be committed elsewhere
 * than its change.
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
