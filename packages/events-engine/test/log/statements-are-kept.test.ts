import Database from 'better-sqlite3'
import { Kysely, SqliteDialect, sql } from 'kysely'
import { expect, it, onTestFinished, vi } from 'vitest'
import { createEventEngine, withStatementCache } from '../../src/index.ts'
import { createRowsStatement, integer, sqlDialectOf, text } from '../../src/internal.ts'
import { site } from '../open-engine.ts'

interface Tables {
  page: { pageId: number; name: string; extra?: number | null }
}

function open(max?: number) {
  const database = new Database(':memory:')
  const prepare = vi.spyOn(database, 'prepare')
  const db = new Kysely<Tables>({
    dialect: new SqliteDialect({ database: withStatementCache(database, { max }) }),
  })
  onTestFinished(() => db.destroy())
  const prepared = (text: RegExp) => prepare.mock.calls.filter(([statement]) => text.test(statement)).length
  return { database, db, prepared }
}

const createPage = (db: Kysely<Tables>) =>
  sql`create table page ("pageId" integer primary key, name text not null)`.execute(db)
const addPage = (db: Kysely<Tables>, pageId: number) =>
  db
    .insertInto('page')
    .values({ pageId, name: `page ${pageId}` })
    .execute()
const pages = (db: Kysely<Tables>) => db.selectFrom('page').selectAll().orderBy('pageId').execute()

it('prepares a statement of the host or the engine once, transactions included', async () => {
  const { db, prepared } = open()
  await createPage(db)
  const engine = createEventEngine({ db })
  await engine.migrate()
  for (let pageId = 1; pageId <= 5; pageId++) {
    await db.transaction().execute(async (trx) => {
      await trx.insertInto('page').values({ pageId, name: 'x' }).execute()
      await engine.syncManager.addSyncEvent(site, 'Page', pageId, 'Create', { trx })
    })
  }
  expect(await pages(db)).toHaveLength(5)
  expect(prepared(/insert into "page"/)).toBe(1)
  expect(prepared(/insert into xe_sync_event/)).toBe(1)
  expect(prepared(/^commit$/)).toBe(1)
})

it('rolls back, and reports a violated constraint, as often as it happens', async () => {
  const { db } = open()
  await createPage(db)
  for (let round = 0; round < 3; round++) {
    await addPage(db, round)
    await expect(addPage(db, round)).rejects.toThrow('UNIQUE')
    const failed = db.transaction().execute(async (trx) => {
      await addPage(trx, 100)
      throw new Error('no')
    })
    await expect(failed).rejects.toThrow('no')
  }
  expect((await pages(db)).map(({ pageId }) => pageId)).toEqual([0, 1, 2])
})

it('sees a table that has changed since, by this connection', async () => {
  const { db } = open()
  await createPage(db)
  await addPage(db, 1)
  expect(await pages(db)).toEqual([{ pageId: 1, name: 'page 1' }])
  await db.schema.alterTable('page').addColumn('extra', 'integer').execute()
  expect(await pages(db)).toEqual([{ pageId: 1, name: 'page 1', extra: null }])
  await db.schema.dropTable('page').execute()
  await expect(pages(db)).rejects.toThrow('no such table')
  await createPage(db)
  await addPage(db, 2)
  expect(await pages(db)).toEqual([{ pageId: 2, name: 'page 2' }])
})

it('streams one text while the same is run again', async () => {
  const { database, db } = open()
  await createPage(db)
  for (let pageId = 1; pageId <= 3; pageId++) await addPage(db, pageId)
  const query = db.selectFrom('page').select('pageId').orderBy('pageId')
  expect(await query.execute()).toHaveLength(3)
  const cached = withStatementCache(database)
  const { sql: text } = query.compile()
  const seen: unknown[] = []
  for (const row of cached.prepare(text).iterate([])) seen.push(row, cached.prepare(text).all([]).length)
  expect(seen).toEqual([{ pageId: 1 }, 3, { pageId: 2 }, 3, { pageId: 3 }, 3])
  const streamed: number[] = []
  for await (const { pageId } of query.stream()) streamed.push(pageId)
  expect(streamed).toEqual([1, 2, 3])
})

it('forgets the statement that was used longest ago, and closes the database', async () => {
  const { database, db, prepared } = open(2)
  const one = (value: number) => sql.raw<{ v: number }>(`select ${value} as v`).execute(db)
  await one(1)
  await one(2)
  await one(1)
  await one(3)
  await one(1)
  await one(2)
  expect(prepared(/^select 1 as v$/)).toBe(1)
  expect(prepared(/^select 2 as v$/)).toBe(2)
  await db.destroy()
  expect(database.open).toBe(false)
})

it('runs one statement over any number of rows, in their order', async () => {
  const { db, prepared } = open()
  await sql`create table item (key integer primary key autoincrement, at integer, name text, note text)`.execute(
    db,
  )
  const insert = createRowsStatement(sqlDialectOf('sqlite'), {
    given: { name: 'text', note: 'text' },
    leading: 1,
    columns: { key: integer, name: text },
    write: (rows) =>
      `insert into item (at, name, note) select $1, name, note from ${rows} returning key, name`,
  })
  let next = 0
  for (const count of [0, 1, 2, 3, 100, 256, 257, 600]) {
    const rows = Array.from({ length: count }, () => ({
      name: `item ${++next}`,
      note: next % 2 === 0 ? null : `'${next}'`,
    }))
    const returned = await insert(db, [7], rows)
    expect(returned.map(({ name }) => name)).toEqual(rows.map(({ name }) => name))
  }
  const { rows } = await sql<{ key: number; at: number; name: string; note: string | null }>`
    select * from item order by key`.execute(db)
  expect(rows).toHaveLength(next)
  for (const { key, at, name, note } of rows) {
    expect([at, name, note]).toEqual([7, `item ${key}`, key % 2 === 0 ? null : `'${key}'`])
  }
  expect(prepared(/insert into item/)).toBeLessThanOrEqual(9)
})
