import { join } from 'node:path'
import { EntityNames, SyncEventActions } from '@x/events-core'
import { temporaryFolder } from '@x/testkit'
import Database from 'better-sqlite3'
import { Kysely, SqliteDialect } from 'kysely'
import { expect, it } from 'vitest'
import { createEventEngine } from '../../src/index.ts'
import { type HostTables, site } from '../open-engine.ts'

/** A host, and a second connection to its file that waits for nothing, as another program would have. */
async function openTwice() {
  const opened = new AsyncDisposableStack()
  const folder = opened.use(await temporaryFolder())
  const connect = () => new Database(join(folder.path, 'host.db'), { timeout: 0 })
  const database = connect()
  database.pragma('journal_mode = WAL')
  database.exec(`create table page (pageId integer primary key, name text not null);
    insert into page values (3, 'Home')`)
  const db = new Kysely<HostTables>({ dialect: new SqliteDialect({ database }) })
  opened.defer(() => db.destroy())
  const engine = createEventEngine({ db })
  await engine.migrate()
  const other = connect()
  opened.defer(() => void other.close())
  return {
    db,
    engine,
    renameElsewhere: (name: string) => other.prepare('update page set name = ?').run(name),
    other,
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  }
}

it('lets a transaction that has read write, since nobody else could write in between', async () => {
  await using host = await openTwice()

  const event = await host.engine.transaction(async ({ trx, raise }) => {
    const page = await trx.selectFrom('page').selectAll().executeTakeFirstOrThrow()
    expect(() => host.renameElsewhere('Elsewhere')).toThrow(expect.objectContaining({ code: 'SQLITE_BUSY' }))
    await trx
      .updateTable('page')
      .set({ name: `${page.name}!` })
      .execute()
    return raise(site, EntityNames.Page, page.pageId, SyncEventActions.Update)
  })

  host.renameElsewhere('Elsewhere')
  expect(event.entityId).toBe(3)
  expect(await host.db.selectFrom('page').select('name').execute()).toEqual([{ name: 'Elsewhere' }])
})

it('says that the file is busy when another program keeps it, and works again afterwards', async () => {
  await using host = await openTwice()
  const rename = () =>
    host.engine.transaction(({ trx }) => trx.updateTable('page').set({ name: 'Here' }).execute())

  host.other.exec('begin immediate')
  await expect(rename()).rejects.toThrow(expect.objectContaining({ code: 'SQLITE_BUSY' }))
  host.other.exec('commit')

  await rename()
  expect(await host.db.selectFrom('page').select('name').execute()).toEqual([{ name: 'Here' }])
})
