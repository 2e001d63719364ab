import { postgresDatabase } from '@x/testkit/postgres'
import Database from 'better-sqlite3'
import { drizzle } from 'drizzle-orm/node-postgres'
import { Kysely, SqliteDialect } from 'kysely'
import { Pool, type PoolClient } from 'pg'
import { expect, it } from 'vitest'
import { drizzleInbox } from '../../src/drizzle.ts'
import { createReceiver, type Inbox } from '../../src/index.ts'
import { createReplayTable, kyselyInbox } from '../../src/kysely.ts'
import { createInboxTable, pgInbox } from '../../src/pg.ts'
import { prismaInbox } from '../../src/prisma.ts'
import { signedRequest } from '../../src/testing.ts'
import { secret } from '../messages.ts'

/** What an inbox answers to two copies of a message, what its handlers saw, and what was reported. */
async function receiveTwice(inbox: Inbox<unknown>, handler: (context: { trx: unknown }) => unknown) {
  const receiver = createReceiver({ secrets: secret, inbox })
  const errors: string[] = []
  let calls = 0
  receiver.on('*', (_, context) => {
    calls += 1
    return handler(context as unknown as { trx: unknown })
  })
  receiver.onError((error) => void errors.push((error as Error).message))
  const statuses: number[] = []
  for (let copy = 0; copy < 2; copy++) {
    const request = signedRequest({ secret, id: 'evt_1', body: { type: 'File.Create', data: {} } })
    statuses.push((await receiver.handle(request)).status)
  }
  return { statuses, calls, errors }
}

// An `error` without a listener would end this process, and with it the run.
it.each(['pg', 'drizzle'] as const)(
  'answers 503 when the connection is lost while a handler works (%s)',
  async (library) => {
    await using database = await postgresDatabase()
    const pool = new Pool({ connectionString: database.url, max: 2 })
    pool.on('error', () => {})
    await createInboxTable(pool)
    const inbox: Inbox<unknown> = library === 'pg' ? pgInbox(pool) : drizzleInbox(drizzle(pool))
    let isFirst = true
    const { statuses, calls } = await receiveTwice(inbox, async ({ trx }) => {
      if (!isFirst) return
      isFirst = false
      const client =
        library === 'pg' ? (trx as PoolClient) : (trx as { session: { client: PoolClient } }).session.client
      const lost = new Promise((resolve) => client.once('end', resolve))
      const { rows } = await client.query('select pg_backend_pid() as pid')
      await database.pool.query('select pg_terminate_backend($1)', [rows[0].pid])
      await lost
    })
    expect(statuses[0]).toBeGreaterThanOrEqual(500)
    expect(statuses[1]).toBe(204)
    expect(calls).toBe(2)
    await pool.end()
  },
)

it.each([
  ['no key', 'id text'],
  ['a key without the scope', 'id text primary key'],
])('refuses a table that has %s, and calls no handler', async (_, id) => {
  const sqlite = new Database(':memory:')
  sqlite.exec(`create table webhook_inbox (scope text, ${id}, received_at integer)`)
  const db = new Kysely<unknown>({ dialect: new SqliteDialect({ database: sqlite }) })
  const { statuses, calls, errors } = await receiveTwice(kyselyInbox(db), () => {})
  expect(statuses).toEqual([503, 503])
  expect(calls).toBe(0)
  expect(errors[0]).toContain('Its table needs the primary key (scope, id)')
  await db.destroy()
})

it.each([
  ['provider', { _activeProvider: 'mysql' }, {}],
  ['timeoutMs', { _activeProvider: 'postgresql' }, { timeoutMs: Number.NaN }],
  ['maxWaitMs', { _activeProvider: 'sqlite' }, { maxWaitMs: -1 }],
])('refuses a %s that Prisma cannot use', (what, db, options) => {
  expect(() => prismaInbox(db as never, options)).toThrow(
    expect.objectContaining({ code: 'invalid_argument', message: expect.stringContaining(what) }),
  )
})

it('creates the table of a replay store in a schema of SQLite', async () => {
  const sqlite = new Database(':memory:')
  sqlite.exec(`attach ':memory:' as app`)
  const db = new Kysely<unknown>({ dialect: new SqliteDialect({ database: sqlite }) })
  await createReplayTable(db, 'app.webhook_replay')
  expect(sqlite.prepare('select name from app.sqlite_master order by name').pluck().all()).toContain(
    'webhook_replay_expires_at',
  )
  await db.destroy()
})
