import { EventsError, shown } from '@x/events-core'
import { abortedTransaction, assertInboxOptions, createInbox, type InboxStatement } from './create-inbox.ts'
import { INBOX_NAMES, type Inbox, type PostgresInboxOptions } from './inbox.ts'
import { type InboxDialect, inboxTableStatements } from './inbox-table.ts'

export type { Inbox, InboxIsolationLevel, InboxOptions, PostgresInboxOptions } from './inbox.ts'

/** What is used of Knex, and of its transactions: what statements run through. */
export interface KnexQueryable {
  raw(statement: string, bindings: never): PromiseLike<unknown>
  readonly client: unknown
}

/** What is used of the `Knex` of Knex. */
export interface KnexDatabase<TTrx> extends KnexQueryable {
  transaction(work: (trx: TTrx) => never, config?: never): unknown
}

interface KnexTransaction extends KnexQueryable {
  on(event: 'query-error', listener: (error: unknown) => void): unknown
}

interface Transactions {
  transaction(
    work: (trx: KnexTransaction) => Promise<boolean>,
    config?: { readonly isolationLevel: string },
  ): Promise<boolean>
}

const DIALECTS: ReadonlyMap<unknown, InboxDialect> = new Map([
  ['postgresql', 'postgres'],
  ['sqlite3', 'sqlite'],
])

function dialectOf(caller: string, knex: KnexQueryable): InboxDialect {
  const { dialect } = Object(Object(knex).client) as { readonly dialect?: unknown }
  const known = DIALECTS.get(dialect)
  if (known) return known
  throw new EventsError(
    'invalid_argument',
    `${caller}: knex must be one of PostgreSQL ('pg') or SQLite ('better-sqlite3', 'sqlite3'); its dialect is ${shown(dialect)}`,
  )
}

async function runOn(db: KnexQueryable, { text, parameters }: InboxStatement): Promise<readonly unknown[]> {
  // Knex takes question marks alone.
  const result = await db.raw(text.replaceAll(/\$\d/g, '?'), [...parameters] as never)
  return Array.isArray(result) ? result : (result as { readonly rows: readonly unknown[] }).rows
}

/**
 * Creates the table of {@link knexInbox}, unless it is there: call it from a migration of your own.
 *
 * @param db - Knex, or a transaction of it.
 * @throws EventsError (`invalid_argument`) when the table's name cannot be used.
 *
 * @example
 * ```ts
 * import { createInboxTable } from '@x/receiver/knex'
 * import type { Knex } from 'knex'
 *
 * export async function up(knex: Knex): Promise<void> {
 *   await createInboxTable(knex)
 * }
 * ```
 */
export async function createInboxTable(db: KnexQueryable, table?: string): Promise<void> {
  const dialect = dialectOf('createInboxTable', db)
  for (const statement of inboxTableStatements('createInboxTable', { dialect, table }))
    await db.raw(statement, [] as never)
}

/**
 * An inbox on PostgreSQL or SQLite through Knex: handlers get the `Knex.Transaction` as `context.trx`.
 *
 * @throws EventsError (`invalid_argument`) when an option is out of range, or the database is another one.
 *
 * @example
 * ```ts
 * import knex from 'knex'
 * import { createReceiver } from '@x/receiver'
 * import { knexInbox } from '@x/receiver/knex'
 *
 * const db = knex({ client: 'pg', connection: process.env['DATABASE_URL']! })
 * const receiver = createReceiver({
 *   secrets: process.env['WEBHOOK_SECRET']!,
 *   inbox: knexInbox(db, { scope: 'billing' }),
 * })
 * receiver.on('Invoice.Create', async (event, { trx }) => {
 *   await trx('invoice').insert({ id: event.data.entityId })
 * })
 * ```
 */
export function knexInbox<TTrx>(db: KnexDatabase<TTrx>, options: PostgresInboxOptions = {}): Inbox<TTrx> {
  assertInboxOptions('knexInbox', options, INBOX_NAMES)
  const { isolationLevel } = options
  const dialect = dialectOf('knexInbox', db)
  const { transaction } = db as unknown as Transactions
  const config = dialect === 'postgres' && isolationLevel !== undefined ? { isolationLevel } : undefined

  return createInbox<TTrx>(
    {
      name: 'knexInbox',
      dialect,
      transaction: (mark, work) =>
        transaction.call(
          db,
          async (trx) => {
            let failed: { readonly error: unknown } | undefined
            trx.on('query-error', (error) => {
              failed ??= { error }
            })
            if ((await runOn(trx, mark)).length === 0) return false
            await work(trx as TTrx)
            // Knex does not look at what COMMIT answers, which is ROLLBACK where a statement has failed before.
            if (failed && dialect === 'postgres') await assertAlive(trx, failed.error)
            return true
          },
          config,
        ),
      run: (statement) => runOn(db, statement),
    },
    options,
  )
}

async function assertAlive(trx: KnexQueryable, cause: unknown): Promise<void> {
  try {
    await trx.raw('select 1', [] as never)
  } catch {
    throw abortedTransaction(cause)
  }
}
