import { type Assertion, EventsError, type FieldNames, shown } from '@x/events-core'
import { createArgumentAssertion, createOptionAssertion } from './assert.ts'
import { abortedTransaction, assertInboxOptions, createInbox } from './create-inbox.ts'
import { INBOX_NAMES, type Inbox, type InboxIsolationLevel, type PostgresInboxOptions } from './inbox.ts'
import { type InboxDialect, inboxTableStatements } from './inbox-table.ts'

export type { Inbox, InboxIsolationLevel, InboxOptions, PostgresInboxOptions } from './inbox.ts'

/** What is used of Prisma, and of its transactions: what statements run through. */
export interface PrismaQueryable {
  $executeRawUnsafe(statement: string, ...parameters: never[]): PromiseLike<number>
  $queryRawUnsafe(statement: string, ...parameters: never[]): PromiseLike<unknown>
}

/** What is used of the `PrismaClient`. */
export interface PrismaDatabase<TTrx> extends PrismaQueryable {
  $transaction(work: (trx: TTrx) => never, options?: never): unknown
}

/** Options of {@link prismaInbox}. */
export interface PrismaInboxOptions extends PostgresInboxOptions {
  /**
   * After how many milliseconds Prisma rolls the transaction back: longer than any handler takes. Prisma's own default
   * is 5,000.
   *
   * @defaultValue 60_000
   */
  readonly timeoutMs?: number | undefined
  /**
   * For how many milliseconds a message waits for a connection. Prisma's own default is 2,000.
   *
   * @defaultValue 10_000
   */
  readonly maxWaitMs?: number | undefined
}

interface Transactions {
  $transaction(
    work: (trx: PrismaQueryable) => Promise<boolean>,
    options: { readonly timeout: number; readonly maxWait: number; readonly isolationLevel?: string },
  ): Promise<boolean>
}

const LEVELS: Readonly<Record<InboxIsolationLevel, string>> = {
  'read committed': 'ReadCommitted',
  'repeatable read': 'RepeatableRead',
  serializable: 'Serializable',
}

/** A client that does not say its provider, such as one that is extended, is taken for PostgreSQL's. */
function dialectOf(caller: string, db: PrismaQueryable): InboxDialect {
  const assert: Assertion = createArgumentAssertion(caller)
  const isPrisma = typeof db === 'object' && db !== null
  assert(isPrisma || typeof db === 'function', 'db', 'a PrismaClient, or a transaction of it', db)
  const { _activeProvider: provider } = Object(db) as { readonly _activeProvider?: unknown }
  if (provider === 'sqlite') return 'sqlite'
  if (provider === undefined || /^(?:postgres|cockroach)/.test(String(provider))) return 'postgres'
  throw new EventsError(
    'invalid_argument',
    `${caller}: the provider of Prisma is ${shown(provider)}; use postgresql or sqlite`,
  )
}

const NAMES: FieldNames<PrismaInboxOptions> = { ...INBOX_NAMES, timeoutMs: true, maxWaitMs: true }
const assertOption: Assertion = createOptionAssertion('prismaInbox')

/**
 * Creates the table of {@link prismaInbox}, unless it is there. Where Prisma Migrate runs your migrations, put the text
 * of `inboxTableSql` of `@x/receiver` in one of them instead.
 *
 * @throws EventsError (`invalid_argument`) when the table's name cannot be used.
 *
 * @example
 * ```ts
 * import { createInboxTable, type PrismaQueryable } from '@x/receiver/prisma'
 *
 * declare const prisma: PrismaQueryable
 *
 * await createInboxTable(prisma)
 * ```
 */
export async function createInboxTable(db: PrismaQueryable, table?: string): Promise<void> {
  const dialect = dialectOf('createInboxTable', db)
  for (const statement of inboxTableStatements('createInboxTable', { dialect, table }))
    await db.$executeRawUnsafe(statement)
}

/**
 * An inbox on PostgreSQL or SQLite through Prisma: handlers get the client of the interactive transaction,
 * `Prisma.TransactionClient`, as `context.trx`.
 *
 * @throws EventsError (`invalid_argument`) when an option is out of range, or the database is another one.
 *
 * @example
 * ```ts
 * import { createReceiver } from '@x/receiver'
 * import { type PrismaDatabase, prismaInbox } from '@x/receiver/prisma'
 *
 * interface Transaction {
 *   invoice: { create(args: { data: { id: number } }): Promise<unknown> }
 * }
 * // import { PrismaClient } from './generated/client'
 * declare const prisma: PrismaDatabase<Transaction>
 *
 * const receiver = createReceiver({
 *   secrets: process.env['WEBHOOK_SECRET']!,
 *   inbox: prismaInbox(prisma, { scope: 'billing' }),
 * })
 * receiver.on('Invoice.Create', async (event, { trx }) => {
 *   await trx.invoice.create({ data: { id: Number(event.data.entityId) } })
 * })
 * ```
 */
export function prismaInbox<TTrx>(db: PrismaDatabase<TTrx>, options: PrismaInboxOptions = {}): Inbox<TTrx> {
  assertInboxOptions('prismaInbox', options, NAMES)
  const { isolationLevel, timeoutMs = 60_000, maxWaitMs = 10_000 } = options
  const dialect = dialectOf('prismaInbox', db)
  for (const [name, value] of Object.entries({ timeoutMs, maxWaitMs })) assertOption.integer(name, value, 1)
  const settings = {
    timeout: timeoutMs,
    maxWait: maxWaitMs,
    ...(dialect === 'postgres' && isolationLevel !== undefined
      ? { isolationLevel: LEVELS[isolationLevel] }
      : {}),
  }

  // Prisma would bind a large number as a float.
  const bound = (parameters: readonly (string | number)[]) =>
    parameters.map((value) => (typeof value === 'number' ? BigInt(Math.trunc(value)) : value)) as never[]

  return createInbox<TTrx>(
    {
      name: 'prismaInbox',
      dialect,
      transaction: (mark, work) =>
        (db as unknown as Transactions).$transaction(async (trx) => {
          const inserted = (await trx.$queryRawUnsafe(mark.text, ...bound(mark.parameters))) as unknown[]
          if (inserted.length === 0) return false
          await work(trx as TTrx)
          if (dialect === 'postgres') await assertAlive(trx)
          return true
        }, settings),
      async run({ text, parameters }) {
        return (await db.$queryRawUnsafe(text, ...bound(parameters))) as unknown[]
      },
    },
    options,
  )
}

/** Prisma tells nobody whether a statement has failed, nor what COMMIT answered, which is ROLLBACK in that case. */
async function assertAlive(trx: PrismaQueryable): Promise<void> {
  try {
    await trx.$queryRawUnsafe('select 1')
  } catch (error) {
    throw abortedTransaction(error)
  }
}
