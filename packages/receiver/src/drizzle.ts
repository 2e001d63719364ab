import { EventsError } from '@x/events-core'
import {
  abortedTransaction,
  assertInboxOptions,
  createInbox,
  type InboxStatement,
  mustBeDone,
} from './create-inbox.ts'
import { INBOX_NAMES, type Inbox, type InboxIsolationLevel, type PostgresInboxOptions } from './inbox.ts'
import { inboxTableStatements } from './inbox-table.ts'

export type { Inbox, InboxIsolationLevel, InboxOptions, PostgresInboxOptions } from './inbox.ts'

/** What is used of a database of Drizzle. */
export interface DrizzleDatabase<TTrx> {
  transaction(work: (trx: TTrx) => never, config?: never): unknown
}

interface PgTransactions {
  transaction(
    work: (trx: object) => Promise<boolean>,
    config?: { readonly isolationLevel: InboxIsolationLevel },
  ): Promise<boolean>
}

interface SqliteTransactions {
  transaction<TResult>(work: (trx: object) => TResult, config: { readonly behavior: 'immediate' }): TResult
}

type Kind = 'postgres' | 'sync sqlite' | 'async sqlite'

const ENTITY_KIND = Symbol.for('drizzle:entityKind')

/** What Drizzle calls the classes of an object: its own way to know its kinds. */
function entityKindsOf(value: unknown): string[] {
  const kinds: string[] = []
  for (let type: object | null = Object(value); type !== null; type = Object.getPrototypeOf(type)) {
    const kind = (type.constructor as { readonly [ENTITY_KIND]?: unknown } | undefined)?.[ENTITY_KIND]
    if (typeof kind === 'string') kinds.push(kind)
  }
  return kinds
}

function kindOf(caller: string, db: object): Kind {
  const kinds = entityKindsOf(db)
  if (kinds.includes('PgDatabase')) return 'postgres'
  if (kinds.includes('BaseSQLiteDatabase')) {
    const { resultKind } = db as { readonly resultKind?: unknown }
    return resultKind === 'sync' ? 'sync sqlite' : 'async sqlite'
  }
  throw new EventsError(
    'invalid_argument',
    `${caller}: db must be a database of Drizzle, of PostgreSQL or SQLite; got ${kinds[0] ?? 'something else'}`,
  )
}

/** The part of Drizzle's `SQL` that its databases ask for; with it the text of a statement stays the same. */
function queryOf({ text, parameters }: InboxStatement) {
  return { getSQL: () => ({ toQuery: () => ({ sql: text, params: [...parameters] }) }) }
}

/** Drizzle on PostgreSQL hands out what the driver answers: an object with rows, or the rows. */
async function runOnPostgres(db: object, statement: InboxStatement): Promise<readonly unknown[]> {
  const { execute } = db as { execute(query: unknown): PromiseLike<unknown> }
  const result = await execute.call(db, queryOf(statement))
  return Array.isArray(result) ? result : (result as { readonly rows: readonly unknown[] }).rows
}

function allOnSqlite(
  db: object,
  statement: InboxStatement,
): readonly unknown[] | Promise<readonly unknown[]> {
  const { all } = db as { all(query: unknown): readonly unknown[] | Promise<readonly unknown[]> }
  return all.call(db, queryOf(statement))
}

/**
 * Creates the table of {@link drizzleInbox}, unless it is there. Where drizzle-kit runs your migrations, put the text of
 * `inboxTableSql` of `@x/receiver` in one of them instead (`drizzle-kit generate --custom`).
 *
 * @throws EventsError (`invalid_argument`) when the table's name cannot be used.
 *
 * @example
 * ```ts
 * import { createInboxTable } from '@x/receiver/drizzle'
 * import { drizzle } from 'drizzle-orm/node-postgres'
 *
 * await createInboxTable(drizzle(process.env['DATABASE_URL']!))
 * ```
 */
export async function createInboxTable(db: object, table?: string): Promise<void> {
  const isPostgres = kindOf('createInboxTable', db) === 'postgres'
  for (const text of inboxTableStatements('createInboxTable', {
    dialect: isPostgres ? 'postgres' : 'sqlite',
    table,
  })) {
    if (isPostgres) await runOnPostgres(db, { text, parameters: [] })
    else await (db as { run(query: unknown): unknown }).run(queryOf({ text, parameters: [] }))
  }
}

/**
 * An inbox on PostgreSQL or SQLite through Drizzle: handlers get the transaction (`tx`) as `context.trx`.
 *
 * With better-sqlite3, whose transactions are synchronous, handlers have to be synchronous functions.
 *
 * @throws EventsError (`invalid_argument`) when an option is out of range, or the database is another one.
 *
 * @example
 * ```ts
 * import { createReceiver } from '@x/receiver'
 * import { drizzleInbox } from '@x/receiver/drizzle'
 * import { drizzle } from 'drizzle-orm/node-postgres'
 * import { pgTable, text } from 'drizzle-orm/pg-core'
 *
 * const invoice = pgTable('invoice', { id: text().primaryKey() })
 * const db = drizzle(process.env['DATABASE_URL']!)
 *
 * const receiver = createReceiver({
 *   secrets: process.env['WEBHOOK_SECRET']!,
 *   inbox: drizzleInbox(db, { scope: 'billing' }),
 * })
 * receiver.on('Invoice.Create', async (event, { trx }) => {
 *   await trx.insert(invoice).values({ id: String(event.data.entityId) })
 * })
 * ```
 */
export function drizzleInbox<TTrx>(
  db: DrizzleDatabase<TTrx>,
  options: PostgresInboxOptions = {},
): Inbox<TTrx> {
  assertInboxOptions('drizzleInbox', options, INBOX_NAMES)
  const { isolationLevel } = options
  const kind = kindOf('drizzleInbox', db)

  const transactions = {
    postgres: (mark: InboxStatement, work: (trx: TTrx) => unknown) =>
      (db as unknown as PgTransactions).transaction(
        async (trx) => {
          keepFromEndingTheProcess(trx)
          if ((await runOnPostgres(trx, mark)).length === 0) return false
          await work(trx as TTrx)
          await assertAlive(trx)
          return true
        },
        isolationLevel === undefined ? undefined : { isolationLevel },
      ),
    'sync sqlite': async (mark: InboxStatement, work: (trx: TTrx) => unknown) =>
      (db as unknown as SqliteTransactions).transaction(
        (trx) => {
          const inserted = allOnSqlite(trx, mark) as readonly unknown[]
          if (inserted.length === 0) return false
          mustBeDone('drizzleInbox', work(trx as TTrx))
          return true
        },
        { behavior: 'immediate' },
      ),
    'async sqlite': (mark: InboxStatement, work: (trx: TTrx) => unknown) =>
      (db as unknown as SqliteTransactions).transaction(
        async (trx) => {
          if ((await allOnSqlite(trx, mark)).length === 0) return false
          await work(trx as TTrx)
          return true
        },
        { behavior: 'immediate' },
      ),
  }

  return createInbox<TTrx>(
    {
      name: 'drizzleInbox',
      dialect: kind === 'postgres' ? 'postgres' : 'sqlite',
      transaction: transactions[kind],
      run: async (statement) =>
        kind === 'postgres' ? runOnPostgres(db, statement) : allOnSqlite(db, statement),
    },
    options,
  )
}

const guarded = new WeakSet<object>()

/**
 * The client of pg that a transaction runs on has no listener of its pool while it is lent out: without one, the loss of its
 * connection ends the process. Its statements fail by themselves.
 */
function keepFromEndingTheProcess(trx: object): void {
  const { session } = trx as { readonly session?: { readonly client?: { on?: unknown } } }
  const client = session?.client
  if (!client || typeof client.on !== 'function' || guarded.has(client)) return
  guarded.add(client)
  client.on('error', () => {})
}

/**
 * Drizzle does not look at what COMMIT answers, which is ROLLBACK where a statement has failed before, so the
 * transaction is asked. The status that `pg` keeps would not do: it changes only after the error has reached its catcher.
 */
async function assertAlive(trx: object): Promise<void> {
  try {
    await runOnPostgres(trx, { text: 'select 1 as alive', parameters: [] })
  } catch (error) {
    throw abortedTransaction(error)
  }
}
