import type { Assertion, FieldNames } from '@x/events-core'
import { EventEngineError } from '../errors.ts'
import { createOptionAssertion } from '../util/assert.ts'

// Registered, so that the mark of another copy of this package is known as well.
const MARK = Symbol.for('@x/foreign-transaction')

/**
 * A transaction that another library than Kysely has opened in the engine's PostgreSQL database.
 * `fromPg`, `fromDrizzle`, `fromKnex` and `fromPrisma` make one; {@link foreignTransaction} does for
 * any other library.
 */
export interface ForeignTransaction {
  readonly [MARK]: true
  /** For messages. */
  readonly library: string
  /** Runs one statement in the transaction, and returns how many rows it changed. */
  execute(statement: string, parameters: readonly unknown[]): Promise<number>
}

/** The options of {@link foreignTransaction}. */
export interface ForeignTransactionOptions {
  /** The name of the library, for messages. */
  readonly library: string
  /**
   * Runs one statement on the connection that holds the transaction. Its parameters are numbers,
   * texts and null, and stand in the text as `$1`, `$2`, each once and in order.
   *
   * @returns how many rows the statement changed.
   */
  readonly execute: (statement: string, parameters: readonly unknown[]) => Promise<number>
}

const assertOption: Assertion = createOptionAssertion('foreignTransaction')

const OPTIONS: FieldNames<ForeignTransactionOptions> = { library: true, execute: true }

/**
 * Lets any PostgreSQL library raise events in its own transaction.
 *
 * @throws EventEngineError `invalid_option`
 * @example
 * ```ts
 * import { type ForeignTransaction, foreignTransaction } from '@x/events-engine'
 *
 * // What postgres.js hands to the function given to sql.begin().
 * interface TransactionSql {
 *   unsafe(statement: string, parameters: never[]): PromiseLike<{ count: number }>
 * }
 *
 * const fromPostgresJs = (trx: TransactionSql): ForeignTransaction =>
 *   foreignTransaction({
 *     library: 'postgres.js',
 *     execute: async (statement, parameters) => (await trx.unsafe(statement, parameters as never[])).count,
 *   })
 * ```
 */
export function foreignTransaction(options: ForeignTransactionOptions): ForeignTransaction {
  const { library, execute } = assertOption.fields('', options, OPTIONS)
  assertOption(typeof library === 'string', 'library', 'a text', library)
  assertOption(typeof execute === 'function', 'execute', 'a function', execute)
  return Object.freeze({ [MARK]: true as const, library, execute })
}

/** Whether a value was made by {@link foreignTransaction}. */
export function isForeignTransaction(value: unknown): value is ForeignTransaction {
  return typeof value === 'object' && value !== null && MARK in value
}

/** Refuses a value that is not a transaction: the event would be committed apart from its change. */
export function refuseAsTransaction(adapter: string, given: string, wanted: string): never {
  throw new EventEngineError('not_a_transaction', `${adapter}: got ${given}; pass ${wanted}.`)
}

/** Refuses a transaction of another database than PostgreSQL. */
export function refuseDialect(adapter: string, given: string): never {
  throw new EventEngineError(
    'unsupported_dialect',
    `${adapter}: the transaction is one of ${given}; only those of PostgreSQL can carry events. On SQLite, use engine.transaction.`,
  )
}
