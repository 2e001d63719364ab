import { EntityNames, type SyncEvent, SyncEventActions } from '@x/events-core'
import { waitFor } from '@x/testkit'
import Database from 'better-sqlite3'
import { drizzle } from 'drizzle-orm/better-sqlite3'
import { integer, sqliteTable, text } from 'drizzle-orm/sqlite-core'
import { Kysely, SqliteDialect } from 'kysely'
import { expect, it } from 'vitest'
import { createEventEngine } from '../../src/index.ts'
import { site } from '../open-engine.ts'

const page = sqliteTable('page', { pageId: integer().primaryKey(), name: text().notNull() })

async function openShared() {
  const database = new Database(':memory:')
  database.exec('create table page (pageId integer primary key, name text not null)')
  const db = new Kysely<unknown>({ dialect: new SqliteDialect({ database }) })
  const engine = createEventEngine({ db, pollMaxMs: 60_000 })
  await engine.migrate()
  const events: SyncEvent[] = []
  await engine.subscribe(
    { entityChanged: (event) => void events.push(event) },
    { name: 'record', mode: 'durable' },
  )
  await engine.start()
  return {
    engine,
    events,
    orm: drizzle({ client: database }),
    async [Symbol.asyncDispose]() {
      await engine.stop()
      await db.destroy()
    },
  }
}

it('commits rows that Drizzle writes inside of engine.transaction with the event', async () => {
  await using shared = await openShared()
  const { engine, events, orm } = shared

  await engine.transaction(async ({ raise }) => {
    orm.insert(page).values({ pageId: 1, name: 'Home' }).run()
    await raise(site, EntityNames.Page, 1, SyncEventActions.Create)
  })

  await waitFor(() => events.length === 1, 'the event')
  expect(orm.select().from(page).all()).toEqual([{ pageId: 1, name: 'Home' }])
})

it('rolls both back together, savepoints of Drizzle included', async () => {
  await using shared = await openShared()
  const { engine, events, orm } = shared

  const failing = engine.transaction(async ({ raise }) => {
    orm.transaction((tx) => tx.insert(page).values({ pageId: 1, name: 'Home' }).run())
    await raise(site, EntityNames.Page, 1, SyncEventActions.Create)
    throw new Error('changed my mind')
  })
  await expect(failing).rejects.toThrow('changed my mind')

  await engine.syncManager.addSyncEvent(site, EntityNames.Site, 7, SyncEventActions.Refresh)
  await waitFor(() => events.length > 0, 'the later event')
  expect(events.map(({ entityName }) => entityName)).toEqual(['Site'])
  expect(orm.select().from(page).all()).toEqual([])
})

// The reason for the rule of the guide: outside of engine.transaction nothing keeps Drizzle's
// statements apart from a transaction that is open on the connection.
it('cannot keep a statement of Drizzle out of a transaction that is open meanwhile', async () => {
  await using shared = await openShared()
  const { engine, orm } = shared
  const written = Promise.withResolvers<void>()
  const opened = Promise.withResolvers<void>()

  const failing = engine.transaction(async () => {
    opened.resolve()
    await written.promise
    throw new Error('rolled back')
  })
  await opened.promise
  orm.insert(page).values({ pageId: 2, name: 'of another request' }).run()
  written.resolve()

  await expect(failing).rejects.toThrow('rolled back')
  expect(orm.select().from(page).all()).toEqual([])
})
