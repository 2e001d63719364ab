import { statSync } from 'node:fs'
import { join } from 'node:path'
import { temporaryFolder, waitFor } from '@x/testkit'
import Database from 'better-sqlite3'
import { Kysely, SqliteDialect } from 'kysely'
import { expect, it } from 'vitest'
import { createEventEngine } from '../../src/index.ts'

const DAY = 24 * 60 * 60 * 1_000

/** A file with some 30 MB of old events; opened as a host does. */
async function openFile(prepare: (database: Database.Database) => void) {
  const folder = await temporaryFolder()
  const file = join(folder.path, 'host.db')
  const database = new Database(file)
  database.pragma('journal_mode = WAL')
  prepare(database)
  const db = new Kysely<unknown>({ dialect: new SqliteDialect({ database }) })
  const engine = createEventEngine({ db, retention: { keepMs: DAY, intervalMs: 20 } })
  await engine.migrate()
  database
    .prepare(`insert into xe_sync_event (id, tenant_id, site_id, entity_name, entity_id, action, modified_on, data)
      with recursive s(n) as (select 1 union all select n + 1 from s where n < 30000)
      select 'evt_' || n, 1, 1, 'Page', '1', 'Update', 1, hex(zeroblob(500)) from s`)
    .run()
  return {
    database,
    engine,
    kept: () => database.prepare('select count(*) from xe_sync_event').pluck().get(),
    bytes() {
      database.pragma('wal_checkpoint(truncate)')
      return statSync(file).size
    },
    async [Symbol.asyncDispose]() {
      await engine.stop()
      await db.destroy()
      await folder[Symbol.asyncDispose]()
    },
  }
}

it('becomes small again after retention, in small steps, where the engine has created the first tables', async ({
  annotate,
}) => {
  await using opened = await openFile(() => {})
  const before = opened.bytes()
  const { engine, database } = opened
  await engine.start()
  const free = () => database.pragma('freelist_count', { simple: true }) as number
  await waitFor(() => opened.kept() === 0 && free() <= 256, 'the pages to be given back')
  await engine.stop()
  const after = opened.bytes()
  await annotate(`${before} bytes, then ${after}`)
  expect(before).toBeGreaterThan(30_000_000)
  expect(after).toBeLessThan(3_000_000)
  expect(database.pragma('integrity_check', { simple: true })).toBe('ok')
})

it('stays as the host wants it where the host has created the first tables, and can be changed by VACUUM', async () => {
  await using opened = await openFile((database) => database.exec('create table page (id integer)'))
  const { engine, database } = opened
  const before = opened.bytes()
  await engine.start()
  await waitFor(() => opened.kept() === 0, 'the events to be deleted')
  await engine.stop()
  expect(opened.bytes()).toBeGreaterThanOrEqual(before)
  database.pragma('auto_vacuum = incremental')
  database.exec('vacuum')
  expect(database.pragma('auto_vacuum', { simple: true })).toBe(2)
  expect(opened.bytes()).toBeLessThan(3_000_000)
})
