import { join } from 'node:path'
import { manualClock, temporaryFolder } from '@x/testkit'
import { drivers } from '@x/testkit/drivers'
import { postgresDatabase } from '@x/testkit/postgres'
import Database from 'better-sqlite3'
import { Kysely, SqliteDialect, sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createReplayTable, kyselyReplayStore } from '../src/kysely.ts'
import { replayStoreContract } from './replay-store-contract.ts'

interface OpenDatabase extends AsyncDisposable {
  readonly db: Kysely<unknown>
}

async function sqliteFile(): Promise<OpenDatabase> {
  const folder = await temporaryFolder()
  const db = new Kysely<unknown>({
    dialect: new SqliteDialect({ database: new Database(join(folder.path, 'consumer.db')) }),
  })
  return {
    db,
    async [Symbol.asyncDispose]() {
      await db.destroy()
      await folder[Symbol.asyncDispose]()
    },
  }
}

describe.each([
  { name: 'SQLite', connect: sqliteFile },
  { name: 'PostgreSQL', connect: () => postgresDatabase<unknown>() },
  ...drivers.map(({ name, open }) => ({
    name: `the database, through ${name}`,
    connect: () => open<unknown>(),
  })),
])('a store in $name', ({ connect }) => {
  const clock = manualClock()
  let database: OpenDatabase
  beforeAll(async () => {
    database = await connect()
    await createReplayTable(database.db)
    // PGlite is compiled first.
  }, 240_000)
  afterAll(() => database[Symbol.asyncDispose]())

  replayStoreContract(() => ({
    open: (options) => kyselyReplayStore(database.db, { clock, ...options }),
    pass: (seconds) => clock.advance(seconds * 1000),
  }))

  it('keeps the ids of two receivers apart', async () => {
    const [one, other] = ['one', 'other'].map((scope) => kyselyReplayStore(database.db, { clock, scope }))
    expect(await one?.begin('same', '1')).toBe('new')
    expect(await other?.begin('same', '1')).toBe('new')
  })

  it('can be in a table of another name, made twice without harm', async () => {
    await createReplayTable(database.db, 'hooks_seen')
    await createReplayTable(database.db, 'hooks_seen')
    const store = kyselyReplayStore(database.db, { clock, table: 'hooks_seen' })
    expect(await store.begin('a', '1')).toBe('new')
    const { rows } = await sql`select id from hooks_seen`.execute(database.db)
    expect(rows).toEqual([{ id: 'a' }])
  })

  it('deletes now and then what has had its time', async () => {
    const scope = 'purged'
    const store = kyselyReplayStore(database.db, { clock, scope, ttlSeconds: 60 })
    for (const id of ['a', 'b', 'c']) {
      await store.begin(id, '1')
      await store.complete(id, '1')
    }
    await clock.advance(3_600_000)
    await store.begin('d', '1')
    await store.complete('d', '1')
    const { rows } = await sql`select id from webhook_replay where scope = ${scope}`.execute(database.db)
    expect(rows).toEqual([{ id: 'd' }])
  })

  it('remembers longer than a sender goes on trying', async () => {
    const store = kyselyReplayStore(database.db, { clock })
    await store.begin('kept', '1')
    await store.complete('kept', '1')
    await clock.advance(76 * 3_600_000)
    expect(await store.begin('kept', '2')).toBe('done')
  })

  it('refuses a scope that is none', () => {
    for (const scope of ['', 'x'.repeat(101), 1 as unknown as string]) {
      expect(() => kyselyReplayStore(database.db, { scope })).toThrow(/options\.scope must be/)
    }
  })
})
