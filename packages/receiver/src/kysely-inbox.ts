import { type Assertion, EventsError } from '@x/events-core'
import type { CompiledQuery, DatabaseConnection, QueryExecutor } from 'kysely'
import { createArgumentAssertion } from './assert.ts'
import { abortedTransaction, assertInboxOptions, createInbox, type InboxStatement } from './create-inbox.ts'
import { INBOX_NAMES, type Inbox, type InboxIsolationLevel, type PostgresInboxOptions } from './inbox.ts'
import { type InboxDialect, inboxTableStatements } from './inbox-table.ts'

/** The part of a Kysely instance, or of a transaction, that statements run through. */
export interface KyselyExecutor {
  getExecutor(): object
}

/** What is used of a Kysely instance. Named by its parts, so that CommonJS programs can use these types. */
export interface KyselyTransactions<TTrx> extends KyselyExecutor {
  transaction(): { execute<TResult>(work: (trx: TTrx) => Promise<TResult>): Promise<TResult> }
}

type ExecuteQuery = DatabaseConnection['executeQuery']

interface TransactionBuilder {
  setIsolationLevel(level: InboxIsolationLevel): TransactionBuilder
  execute(work: (trx: KyselyExecutor) => Promise<boolean>): Promise<boolean>
}

function executorOf(db: KyselyExecutor): QueryExecutor {
  return db.getExecutor() as QueryExecutor
}

/** By name, also of what a dialect of one's own extends: Kysely is imported where it is needed, and may be another copy. */
export function dialectOf(caller: string, db: KyselyExecutor): InboxDialect {
  const assert: Assertion = createArgumentAssertion(caller)
  assert(typeof Object(db).getExecutor === 'function', 'db', 'a Kysely, or a transaction of it', db)
  const { adapter } = executorOf(db)
  for (let type: object | null = adapter; type !== null; type = Object.getPrototypeOf(type)) {
    if (type.constructor.name === 'PostgresAdapter') return 'postgres'
    if (type.constructor.name === 'SqliteAdapter') return 'sqlite'
  }
  throw new EventsError(
    'invalid_argument',
    `${caller}: db speaks ${adapter.constructor.name}; use a dialect of PostgreSQL or SQLite`,
  )
}

/** The statements of one inbox, each made once for Kysely: its compiled query knows the text, and gets new parameters. */
function createRun() {
  const compiled = new Map<string, CompiledQuery>()

  async function queryOf({ text, parameters }: InboxStatement): Promise<CompiledQuery> {
    let query = compiled.get(text)
    if (!query) {
      // Kysely is an ES module alone. Imported when it is used, it leaves this module loadable from CommonJS.
      const kysely = await import('kysely')
      query = kysely.CompiledQuery.raw(text)
      compiled.set(text, query)
    }
    return { ...query, parameters }
  }

  return async (db: KyselyExecutor, statement: InboxStatement): Promise<readonly unknown[]> => {
    // Around plugins: they may rename what is in a row, but not how many there are.
    const query = await queryOf(statement)
    const { rows } = await executorOf(db).provideConnection((connection) => connection.executeQuery(query))
    return rows
  }
}

/**
 * Watches the connection of a transaction for statements that fail: Kysely itself puts its logging between in this way.
 * Drivers differ in whether they look at what COMMIT answers, which is ROLLBACK where a statement has failed before.
 */
async function watchFailures(trx: KyselyExecutor) {
  return executorOf(trx).provideConnection(async (connection: DatabaseConnection) => {
    const state: { failed?: { readonly error: unknown } } = {}
    const original = Object.getOwnPropertyDescriptor(connection, 'executeQuery')
    const { executeQuery } = connection
    const watched = async (...parameters: Parameters<ExecuteQuery>) => {
      try {
        return await executeQuery.apply(connection, parameters)
      } catch (error) {
        state.failed ??= { error }
        throw error
      }
    }
    connection.executeQuery = watched as ExecuteQuery
    const stop = () => {
      if (original) Object.defineProperty(connection, 'executeQuery', original)
      else Reflect.deleteProperty(connection, 'executeQuery')
    }
    return { state, stop }
  })
}

/**
 * Creates the table of {@link kyselyInbox}, unless it is there: call it from a migration of your own.
 *
 * @throws EventsError (`invalid_argument`) when the table's name cannot be used, or the database is another one.
 *
 * @example
 * ```ts
 * import { createInboxTable } from '@x/receiver/kysely'
 * import type { Kysely } from 'kysely'
 *
 * export async function up(db: Kysely<unknown>): Promise<void> {
 *   await createInboxTable(db)
 * }
 * ```
 */
export async function createInboxTable(db: KyselyExecutor, table?: string): Promise<void> {
  const dialect = dialectOf('createInboxTable', db)
  const run = createRun()
  for (const text of inboxTableStatements('createInboxTable', { dialect, table }))
    await run(db, { text, parameters: [] })
}

/**
 * An inbox on PostgreSQL or SQLite through Kysely: handlers get the `Transaction<Database>` as `context.trx`.
 *
 * Listen for `error` on the pool of `pg` and on each of its clients (`pool.on('connect', ...)`): a connection that is lost while
 * handlers work would end the process.
 *
 * @throws EventsError (`invalid_argument`) when an option is out of range, or the database is another one.
 *
 * @example
 * ```ts
 * import { createReceiver } from '@x/receiver'
 * import { kyselyInbox } from '@x/receiver/kysely'
 * import type { Kysely } from 'kysely'
 *
 * declare const db: Kysely<{ invoice: { id: number } }>
 *
 * const receiver = createReceiver({
 *   secrets: process.env['WEBHOOK_SECRET']!,
 *   inbox: kyselyInbox(db, { scope: 'billing' }),
 * })
 * receiver.on('Invoice.Create', async (event, { trx }) => {
 *   await trx.insertInto('invoice').values({ id: Number(event.data.entityId) }).execute()
 * })
 * ```
 */
export function kyselyInbox<TTrx>(
  db: KyselyTransactions<TTrx>,
  options: PostgresInboxOptions = {},
): Inbox<TTrx> {
  assertInboxOptions('kyselyInbox', options, INBOX_NAMES)
  const { isolationLevel } = options
  const dialect = dialectOf('kyselyInbox', db)
  const run = createRun()

  function begin(): TransactionBuilder {
    const builder = db.transaction() as unknown as TransactionBuilder
    return dialect === 'postgres' && isolationLevel !== undefined
      ? builder.setIsolationLevel(isolationLevel)
      : builder
  }

  async function workOnPostgres(trx: KyselyExecutor, work: () => unknown): Promise<void> {
    const { state, stop } = await watchFailures(trx)
    try {
      await work()
    } finally {
      stop()
    }
    if (!state.failed) return
    try {
      await run(trx, { text: 'select 1', parameters: [] })
    } catch {
      throw abortedTransaction(state.failed.error)
    }
  }

  return createInbox<TTrx>(
    {
      name: 'kyselyInbox',
      dialect,
      transaction: (mark, work) =>
        begin().execute(async (trx) => {
          if ((await run(trx, mark)).length === 0) return false
          if (dialect === 'sqlite') await work(trx as TTrx)
          else await workOnPostgres(trx, () => work(trx as TTrx))
          return true
        }),
      run: (statement) => run(db, statement),
    },
    options,
  )
}
