import { postgresDatabase } from '@x/testkit/postgres'
import Database from 'better-sqlite3'
import { Kysely, PostgresDialect, type SqliteDatabase, SqliteDialect, type SqliteStatement } from 'kysely'
import { PostgresJSDialect } from 'kysely-postgres-js'
import { Pool } from 'pg'
import postgres from 'postgres'
import { expect, it } from 'vitest'
import { createEventEngine, EventEngineError } from '../../src/index.ts'
import { openEngine } from '../open-engine.ts'

/** A database on SQLite whose driver does something of its own to what it gives. */
function changing(change: Partial<Record<'all' | 'run', (result: never) => unknown>>): Kysely<unknown> {
  const database = new Database(':memory:')
  const wrapped: SqliteDatabase = {
    prepare(text) {
      const statement = database.prepare(text)
      const reader: SqliteStatement = {
        reader: statement.reader,
        all: (parameters) => {
          const rows = statement.all(parameters) as never[]
          return change.all ? rows.map(change.all) : rows
        },
        run: (parameters) => {
          const result = statement.run(parameters) as never
          return (change.run ? change.run(result) : result) as ReturnType<SqliteStatement['run']>
        },
        iterate: (parameters) => statement.iterate(parameters) as IterableIterator<unknown>,
      }
      return reader
    },
    close: () => database.close(),
  }
  return new Kysely<unknown>({ dialect: new SqliteDialect({ database: wrapped }) })
}

const each = (value: (value: unknown) => unknown) => (row: Record<string, unknown>) =>
  Object.fromEntries(Object.entries(row).map(([name, one]) => [name, value(one)]))

async function refusalOf(work: Promise<unknown>): Promise<string> {
  const error = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  expect(error).toBeInstanceOf(EventEngineError)
  const { code, message } = error as EventEngineError
  expect(code).toBe('unsupported_driver')
  return message
}

it.each([
  [
    'renames columns',
    { all: ({ given_text }: { given_text?: unknown }) => ({ givenText: given_text }) },
    /no column "given_text"/,
  ],
  [
    'rounds numbers',
    { all: each((value) => (typeof value === 'number' ? Math.fround(value) : value)) },
    /whole number|is stored/,
  ],
  [
    'makes bytes of texts',
    { all: each((value) => (typeof value === 'string' ? Buffer.from(value) : value)) },
    /is to be text/,
  ],
  [
    'parses JSON texts',
    {
      all: each((value) => (typeof value === 'string' && value.startsWith('{') ? JSON.parse(value) : value)),
    },
    /is to be text/,
  ],
  ['counts no changes', { run: () => ({ changes: undefined, lastInsertRowid: 0 }) }, /numAffectedRows/],
])('refuses to migrate by a driver that %s', async (_, change, message) => {
  const db = changing(change as Parameters<typeof changing>[0])
  expect(await refusalOf(createEventEngine({ db }).migrate())).toMatch(message)
  await db.destroy()
})

it('refuses to start by postgres.js when it renames columns', async () => {
  await using database = await postgresDatabase<unknown>()
  await createEventEngine({ db: database.db }).migrate()
  const renaming = postgres(database.url, { max: 2, transform: postgres.camel })
  const db = new Kysely<unknown>({ dialect: new PostgresJSDialect({ postgres: renaming }) })
  const message = await refusalOf(createEventEngine({ db }).start())
  expect(message).toMatch(
    /^engine\.start: options\.db cannot carry the event log\. .*"given_text".*transforms/,
  )
  await db.destroy()
})

it('refuses to start by pg in its binary format, which makes other numbers of large ones', async () => {
  await using database = await postgresDatabase<unknown>()
  await createEventEngine({ db: database.db }).migrate()
  const pool = new Pool({ connectionString: database.url, binary: true } as ConstructorParameters<
    typeof Pool
  >[0])
  const db = new Kysely<unknown>({ dialect: new PostgresDialect({ pool }) })
  expect(await refusalOf(createEventEngine({ db }).start())).toMatch(/where 9007199254740991 is stored/)
  await db.destroy()
})

it('says which column cannot be read, and leaves the event for a node that can read it', async () => {
  await using host = await openEngine()
  const { syncManager } = host.engine
  await syncManager.addSyncEvent({ tenantId: 1, siteId: 1 }, 'File', 1, 'Refresh')
  await host.db
    .updateTable('xe_sync_event' as never)
    .set({ site_id: 2.5 } as never)
    .execute()
  const reading = syncManager.getSyncEvents(1, new Date(0))
  await expect(reading).rejects.toThrow(
    'gives 2.5 (number) for the column "site_id", which is to be a whole number',
  )
})
