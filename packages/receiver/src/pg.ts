import type { Assertion } from '@x/events-core'
import { createArgumentAssertion } from './assert.ts'
import { abortedTransaction, assertInboxOptions, createInbox, type InboxStatement } from './create-inbox.ts'
import { INBOX_NAMES, type Inbox, type PostgresInboxOptions } from './inbox.ts'
import { inboxTableStatements } from './inbox-table.ts'

export type { Inbox, InboxIsolationLevel, InboxOptions, PostgresInboxOptions } from './inbox.ts'

/** What is used of the `Pool`, `PoolClient` and `Client` of pg. */
export interface PgQueryable {
  query(statement: string, parameters?: (string | number)[]): Promise<unknown>
}

/** What is used of the `Pool` of pg. */
export interface PgPool<TClient> extends PgQueryable {
  connect(): Promise<TClient>
  connect(
    callback: (
      error: Error | undefined,
      client: TClient | undefined,
      done: (release?: boolean) => void,
    ) => void,
  ): void
}

interface PgResult {
  readonly command: string
  readonly rows: readonly unknown[]
}

interface PgClient {
  query(statement: string): Promise<PgResult | readonly PgResult[]>
  escapeLiteral(value: string): string
  release(error?: Error | boolean): void
  on?(eventName: 'error', listener: () => void): unknown
  off?(eventName: 'error', listener: () => void): unknown
}

/** A client that is lent out has no listener of its pool: without one, the loss of its connection ends the process. */
const lost = () => {}

function assertDb(caller: string, db: object, methods: readonly string[]): void {
  const assert: Assertion = createArgumentAssertion(caller)
  const has = (method: string) => typeof Object(db)[method] === 'function'
  assert(methods.every(has), 'db', `what pg has made, with ${methods.join(' and ')}`, db)
}

/**
 * Creates the table of {@link pgInbox}, unless it is there.
 *
 * @param db - a pool, or the client on which a migration runs.
 * @throws EventsError (`invalid_argument`) when the table's name cannot be used.
 *
 * @example
 * ```ts
 * import { createInboxTable } from '@x/receiver/pg'
 * import { Pool } from 'pg'
 *
 * await createInboxTable(new Pool({ connectionString: process.env['DATABASE_URL'] }))
 * ```
 */
export async function createInboxTable(db: PgQueryable, table?: string): Promise<void> {
  assertDb('createInboxTable', db, ['query'])
  for (const statement of inboxTableStatements('createInboxTable', { dialect: 'postgres', table }))
    await db.query(statement)
}

/**
 * An inbox on PostgreSQL through pg: handlers get the `PoolClient` of the transaction as `context.trx`.
 *
 * @throws EventsError (`invalid_argument`) when an option is out of range.
 *
 * @example
 * ```ts
 * import { createReceiver } from '@x/receiver'
 * import { pgInbox } from '@x/receiver/pg'
 * import { Pool } from 'pg'
 *
 * const pool = new Pool({ connectionString: process.env['DATABASE_URL'] })
 * const receiver = createReceiver({
 *   secrets: process.env['WEBHOOK_SECRET']!,
 *   inbox: pgInbox(pool, { scope: 'billing' }),
 * })
 * receiver.on('Invoice.Create', async (event, { trx }) => {
 *   await trx.query('insert into invoice (id) values ($1)', [event.data.entityId])
 * })
 * ```
 */
export function pgInbox<TClient>(pool: PgPool<TClient>, options: PostgresInboxOptions = {}): Inbox<TClient> {
  assertDb('pgInbox', pool, ['connect', 'query'])
  assertInboxOptions('pgInbox', options, INBOX_NAMES)
  const { isolationLevel } = options
  const begin = isolationLevel === undefined ? 'begin' : `begin isolation level ${isolationLevel}`

  async function inTransaction(
    client: PgClient,
    { text, parameters }: InboxStatement,
    work: () => unknown,
  ): Promise<boolean> {
    // In one round trip, and so with the values in the text: several statements at once cannot have parameters.
    const literals = parameters.map((value) =>
      typeof value === 'number' ? String(value) : client.escapeLiteral(value),
    )
    const mark = text.replaceAll(/\$(\d)/g, (_, number) => literals[number - 1] ?? 'null')
    const [, marked] = [await client.query(`${begin}; ${mark}`)].flat()
    const isFirst = marked !== undefined && marked.rows.length > 0
    if (isFirst) await work()
    const [committed] = [await client.query('commit')].flat()
    if (committed?.command === 'ROLLBACK') throw abortedTransaction()
    return isFirst
  }

  return createInbox<TClient>(
    {
      name: 'pgInbox',
      dialect: 'postgres',
      async transaction(mark, work) {
        const connected = await pool.connect()
        const client = connected as unknown as PgClient
        let broken: Error | undefined
        client.on?.('error', lost)
        try {
          return await inTransaction(client, mark, () => work(connected))
        } catch (error) {
          await client.query('rollback').catch((rollbackError: Error) => {
            broken = rollbackError
          })
          throw error
        } finally {
          client.off?.('error', lost)
          client.release(broken)
        }
      },
      async run({ text, parameters }) {
        const { rows } = (await pool.query(text, [...parameters])) as { readonly rows: readonly unknown[] }
        return rows
      },
    },
    options,
  )
}
