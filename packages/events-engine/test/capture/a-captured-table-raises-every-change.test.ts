import type { SyncEvent } from '@x/events-core'
import { waitFor } from '@x/testkit'
import Database from 'better-sqlite3'
import { CamelCasePlugin } from 'kysely'
import { describe, expect, it } from 'vitest'
import { createEventEngine } from '../../src/index.ts'
import { type OpenEngine, onEachDatabase, openEngine } from '../open-engine.ts'
import { briefly, loggedEvents, run } from './captured-events.ts'

const pages = {
  table: 'page',
  entityName: 'Page',
  entityId: 'pageId',
  tenantId: 1,
} as const

/** What was raised since the last call. */
function reader(host: OpenEngine) {
  let seen = 0
  return async () => {
    const events = await loggedEvents(host)
    const news = events.slice(seen).map(briefly)
    seen = events.length
    return news
  }
}

onEachDatabase((open, dialect) => {
  it('raises a Create, Update and Delete, whole, for changes in raw SQL', async () => {
    await using host = await open()
    await host.engine.captureTable({ ...pages, siteId: 7, data: ['name', 'pageId'] })
    const before = Date.now()
    await run(host, `insert into page values (3, 'Home')`)
    await run(host, `update page set name = 'Start'`)
    await run(host, 'delete from page')
    const after = Date.now()

    const events = await loggedEvents(host)
    expect(events).toEqual([
      expect.objectContaining({ action: 'Create', data: { name: 'Home', pageId: 3 } }),
      expect.objectContaining({ action: 'Update', data: { name: 'Start', pageId: 3, $changed: ['name'] } }),
      expect.objectContaining({ action: 'Delete', data: { name: 'Start', pageId: 3 } }),
    ])
    for (const event of events) {
      expect(event).toMatchObject({ tenantId: 1, siteId: 7, siteKey: '1:7', entityName: 'Page', entityId: 3 })
      expect(event.id).toMatch(/^evt_[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
      const time = event.modifiedOn.getTime()
      expect(Number.parseInt(event.id.slice(4, 17).replace('-', ''), 16)).toBe(time)
      // The database's clock may be read a little earlier or later than this process's.
      expect(time).toBeGreaterThanOrEqual(before - 5)
      expect(time).toBeLessThanOrEqual(after + 5)
    }
    expect(Object.keys(events[0]?.data as object)).toEqual(['name', 'pageId'])
    expect(new Set(events.map(({ id }) => id)).size).toBe(3)
  })

  it('raises one event for each row of a bulk statement, in their order', async () => {
    await using host = await open()
    const news = reader(host)
    await host.engine.captureTable(pages)
    await run(
      host,
      `insert into page values ${Array.from({ length: 500 }, (_, id) => `(${id}, 'x')`).join()}`,
    )
    const created = await news()
    expect(created).toEqual(Array.from({ length: 500 }, (_, id) => `Create ${id} 1:-1`))
    await run(host, `update page set name = 'y' where "pageId" < 100`)
    expect(await news()).toHaveLength(100)
    await run(host, 'delete from page')
    expect(await news()).toHaveLength(500)
  })

  it('raises nothing for an update that changes nothing', async () => {
    await using host = await open()
    const news = reader(host)
    await host.engine.captureTable(pages)
    await run(host, `insert into page values (1, 'a'), (2, 'b')`)
    await news()
    await run(host, 'update page set name = name')
    await run(host, `update page set name = 'a'`)
    expect(await news()).toEqual(['Update 2 1:-1'])
  })

  it('raises what an upsert does to each row: a Create or an Update', async () => {
    await using host = await open()
    const news = reader(host)
    await host.engine.captureTable(pages)
    await run(host, `insert into page values (1, 'a'), (2, 'b')`)
    await news()
    const upsert = `insert into page values (1, 'a'), (2, 'x'), (3, 'c') on conflict ("pageId")`
    await run(host, `${upsert} do nothing`)
    expect(await news()).toEqual(['Create 3 1:-1'])
    await run(host, `${upsert} do update set name = excluded.name`)
    expect(await news()).toEqual(['Update 2 1:-1'])
  })

  it('raises the deletes and updates of foreign keys that cascade', async () => {
    await using host = await open()
    const news = reader(host)
    await run(host, 'create table folder (id integer primary key)')
    await run(
      host,
      `create table file (id integer primary key,
        folder integer references folder (id) on delete cascade, next integer references file (id) on delete set null)`,
    )
    const capture = { entityId: 'id', tenantId: 1 } as const
    await host.engine.captureTable({ ...capture, table: 'folder', entityName: 'Folder' })
    await host.engine.captureTable({ ...capture, table: 'file', entityName: 'File' })
    await run(host, 'insert into folder values (1), (2)')
    await run(host, 'insert into file values (10, 1, null), (11, 1, 10), (12, 2, 11)')
    await news()
    await run(host, 'delete from folder where id = 1')
    const events = await news()
    expect(events).toEqual(
      expect.arrayContaining(['Delete 1 1:-1', 'Delete 10 1:-1', 'Delete 11 1:-1', 'Update 12 1:-1']),
    )
    expect(events.filter((event) => event.startsWith('Delete'))).toHaveLength(3)
  })

  it('forgets the events of a transaction, a savepoint and a statement that are rolled back', async () => {
    await using host = await open()
    const news = reader(host)
    await host.engine.captureTable(pages)
    const failing = host.db.transaction().execute(async (trx) => {
      await trx.insertInto('page').values({ pageId: 1, name: 'a' }).execute()
      throw new Error('changed my mind')
    })
    await expect(failing).rejects.toThrow('changed my mind')
    await expect(run(host, `insert into page values (1, 'a'), (1, 'b')`)).rejects.toThrow()
    const trx = await host.db.startTransaction().execute()
    await trx.insertInto('page').values({ pageId: 1, name: 'a' }).execute()
    const nested = await trx.savepoint('one').execute()
    await nested.insertInto('page').values({ pageId: 2, name: 'b' }).execute()
    await (await nested.rollbackToSavepoint('one').execute()).commit().execute()
    expect(await news()).toEqual(['Create 1 1:-1'])
  })

  it('tells of a row that changes its key as of one that goes and one that comes', async () => {
    await using host = await open()
    await host.engine.captureTable({ ...pages, data: ['name'] })
    await run(host, `insert into page values (1, 'a')`)
    await run(host, `update page set "pageId" = 2, name = 'b'`)
    const events = (await loggedEvents(host)).slice(1)
    expect(events.map(briefly)).toEqual(['Delete 1 1:-1', 'Create 2 1:-1'])
    expect(events.map(({ data }) => data)).toEqual([{ name: 'a' }, { name: 'b' }])
  })

  it('tells of a row that changes its tenant or site as of one that goes there and comes here', async () => {
    await using host = await open()
    const news = reader(host)
    await run(
      host,
      'create table role (id integer primary key, tenant integer not null, site integer, name text)',
    )
    await host.engine.captureTable({
      table: 'role',
      entityName: 'Role',
      entityId: 'id',
      tenantId: { column: 'tenant' },
      siteId: { column: 'site' },
    })
    await run(host, `insert into role values (1, 1, 7, 'a')`)
    await run(host, 'update role set tenant = 2')
    await run(host, 'update role set site = null')
    await run(host, `update role set name = 'b'`)
    expect(await news()).toEqual([
      'Create 1 1:7',
      'Delete 1 1:7',
      'Create 1 2:7',
      'Delete 1 2:7',
      'Create 1 2:-1',
      'Update 1 2:-1',
    ])
  })

  it('raises only the actions that it was asked for', async () => {
    await using host = await open()
    const news = reader(host)
    await host.engine.captureTable({ ...pages, actions: ['Create', 'Update'] })
    await run(host, `insert into page values (1, 'a')`)
    await run(host, `update page set name = 'b'`)
    await run(host, `update page set "pageId" = 2`)
    await run(host, 'delete from page')
    expect(await news()).toEqual(['Create 1 1:-1', 'Update 1 1:-1', 'Create 2 1:-1'])
  })

  it("tells of what a trigger of the host's changes in turn after the change that it fired for", async () => {
    await using host = await open()
    await host.engine.captureTable({ ...pages, data: ['name'] })
    await touchNames(host, dialect)
    // As every start does: what was put on the table since must not come first.
    await host.engine.captureTable({ ...pages, data: ['name'] })
    await run(host, `insert into page values (1, 'a')`)
    await run(host, `update page set name = 'b'`)
    expect((await loggedEvents(host)).map(({ data }) => (data as { name: string }).name)).toEqual([
      'a',
      'b',
      'b!',
    ])
  })

  it('wakes subscribers: at once after engine.transaction, with the next poll otherwise', async () => {
    await using host = await open({ pollMaxMs: 30_000 })
    const events: SyncEvent[] = []
    await host.engine.captureTable(pages)
    await host.engine.subscribe(
      { entityChanged: (event) => void events.push(event) },
      { name: 'record', mode: 'durable' },
    )
    await host.engine.start()
    await host.engine.transaction(({ trx }) =>
      trx.insertInto('page').values({ pageId: 1, name: 'a' }).execute(),
    )
    await waitFor(() => events.length === 1, 'the event')

    await using another = createEventEngine({ db: host.db, pollMaxMs: 50 })
    await another.subscribe(
      { entityChanged: (event) => void events.push(event) },
      { name: 'another', mode: 'broadcast' },
    )
    await another.start()
    await host.db.insertInto('page').values({ pageId: 2, name: 'b' }).execute()
    await waitFor(() => events.some(({ entityId }) => entityId === 2), 'the event of a plain statement')
  })

  it('raises twice what code raises as well', async () => {
    await using host = await open()
    await host.engine.captureTable(pages)
    await host.engine.transaction(async ({ trx, raise }) => {
      await trx.insertInto('page').values({ pageId: 1, name: 'a' }).execute()
      await raise({ tenantId: 1, siteId: -1 }, 'Page', 1, 'Create')
    })
    expect((await loggedEvents(host)).map(briefly)).toEqual(['Create 1 1:-1', 'Create 1 1:-1'])
  })

  it('is not confused by plugins of the host, such as one for camel case', async () => {
    await using host = await open()
    await run(host, 'create table user_role (user_role_id integer primary key, role_name text)')
    const db = host.db.withPlugin(new CamelCasePlugin())
    await using engine = createEventEngine({ db, tablePrefix: 'camel_' })
    await engine.migrate()
    await engine.captureTable({
      table: 'user_role',
      entityName: 'UserRole',
      entityId: 'user_role_id',
      data: ['role_name'],
    })
    await engine.withContext({ tenantId: 1, siteId: 7 }, () =>
      engine.transaction(({ trx }) =>
        trx
          .insertInto('userRole' as never)
          .values({ userRoleId: 1, roleName: 'admin' } as never)
          .execute(),
      ),
    )
    const [event] = await loggedEvents({ db: host.db, engine })
    expect(event).toMatchObject({ tenantId: 1, siteId: 7, entityId: 1, data: { role_name: 'admin' } })
  })
})

/** A trigger that puts a mark behind each name that an update sets. */
async function touchNames(host: OpenEngine, dialect: 'sqlite' | 'postgres'): Promise<void> {
  if (dialect === 'sqlite') {
    await run(
      host,
      `create trigger a_touch after update on page when NEW.name not like '%!' begin
        update page set name = NEW.name || '!' where "pageId" = NEW."pageId"; end`,
    )
    return
  }
  await run(
    host,
    `create function touch() returns trigger language plpgsql as $$ begin
      update page set name = NEW.name || '!' where "pageId" = NEW."pageId"; return null; end $$`,
  )
  await run(
    host,
    `create trigger a_touch after update on page for each row when (NEW.name not like '%!') execute function touch()`,
  )
}

describe('on sqlite', () => {
  async function withUniqueNames(): Promise<OpenEngine & { readonly news: () => Promise<string[]> }> {
    const host = await openEngine()
    await run(host, 'create unique index page_name on page (name collate nocase)')
    await host.engine.captureTable(pages)
    await run(host, `insert into page values (1, 'a'), (2, 'b'), (-1, 'z')`)
    const news = reader(host)
    await news()
    return Object.assign(host, { news })
  }

  it.each(['off', 'on'])('tells of rows that others replace, with recursive_triggers %s', async (setting) => {
    await using host = await withUniqueNames()
    await run(host, `pragma recursive_triggers = ${setting}`)
    await run(host, `insert or replace into page values (1, 'c')`)
    expect(await host.news()).toEqual(['Delete 1 1:-1', 'Create 1 1:-1'])
    // In the way of this one are two: one by its key, one by its name.
    await run(host, `replace into page values (1, 'B')`)
    const events = await host.news()
    expect(events.slice(0, 2).sort()).toEqual(['Delete 1 1:-1', 'Delete 2 1:-1'])
    expect(events.slice(2)).toEqual(['Create 1 1:-1'])
    await run(host, `insert or replace into page (name) values ('d')`)
    expect(await host.news()).toEqual(['Create 2 1:-1'])
    await run(host, `update or replace page set name = 'd' where "pageId" = 1`)
    expect(await host.news()).toEqual(['Delete 2 1:-1', 'Update 1 1:-1'])
    await run(host, `update or replace page set "pageId" = -1 where "pageId" = 1`)
    expect(await host.news()).toEqual(['Delete -1 1:-1', 'Delete 1 1:-1', 'Create -1 1:-1'])
  })

  it('tells of no row that was in the way of a change which did not happen', async () => {
    await using host = await withUniqueNames()
    await run(host, `insert or ignore into page values (1, 'b')`)
    await run(host, `insert into page values (1, 'n') on conflict do nothing`)
    await run(host, `update or ignore page set name = 'b' where "pageId" = 1`)
    await expect(run(host, `insert or fail into page values (5, 'e'), (1, 'b')`)).rejects.toThrow('UNIQUE')
    expect(await host.news()).toEqual(['Create 5 1:-1'])
    await run(host, `insert into page values (1, 'b') on conflict ("pageId") do update set name = 'q'`)
    expect(await host.news()).toEqual(['Update 1 1:-1'])
    await run(host, `update page set "pageId" = 9 where "pageId" = 2`)
    expect(await host.news()).toEqual(['Delete 2 1:-1', 'Create 9 1:-1'])
  })

  it('captures what another program does, which knows nothing of the engine', async () => {
    await using host = await openEngine()
    const news = reader(host)
    await host.engine.captureTable(pages)
    const [{ file }] = (await run(host, 'pragma database_list')) as [{ file: string }]
    const other = new Database(file)
    other.pragma('trusted_schema = off')
    other.exec(`insert into page values (1, 'a'), (2, 'b'); delete from page where name = 'b'`)
    other.close()
    expect(await news()).toEqual(['Create 1 1:-1', 'Create 2 1:-1', 'Delete 2 1:-1'])
  })

  it('captures a table without rowid', async () => {
    await using host = await openEngine()
    const news = reader(host)
    await run(
      host,
      'create table setting (tenant integer, name text, value, primary key (tenant, name)) without rowid',
    )
    await host.engine.captureTable({
      table: 'setting',
      entityName: 'Setting',
      entityId: 'name',
      tenantId: { column: 'tenant' },
    })
    await run(host, `insert into setting values (1, 'a', 1), (2, 'a', 1)`)
    await run(host, `insert or replace into setting values (1, 'a', 2)`)
    await run(host, `update or replace setting set tenant = 1 where tenant = 2`)
    expect(await news()).toEqual([
      'Create "a" 1:-1',
      'Create "a" 2:-1',
      'Delete "a" 1:-1',
      'Create "a" 1:-1',
      'Delete "a" 1:-1',
      'Delete "a" 2:-1',
      'Create "a" 1:-1',
    ])
  })

  it('notices a change that a collation hides', async () => {
    await using host = await openEngine()
    const news = reader(host)
    await run(host, 'create table tag (id integer primary key, name text collate nocase)')
    await host.engine.captureTable({ table: 'tag', entityName: 'Setting', entityId: 'id', tenantId: 1 })
    await run(host, `insert into tag values (1, 'a')`)
    await run(host, `update tag set name = 'A'`)
    expect(await news()).toEqual(['Create 1 1:-1', 'Update 1 1:-1'])
  })
})

describe('on postgres', () => {
  const open = () => openEngine({}, 'postgres')

  it('refuses to truncate, also by way of another table, and lets delete do it', async () => {
    await using host = await open()
    await run(host, 'create table note (page integer references page)')
    await host.engine.captureTable(pages)
    await host.engine.captureTable({ table: 'note', entityName: 'Setting', entityId: 'page', tenantId: 1 })
    await run(host, `insert into page values (1, 'a')`)
    await expect(run(host, 'truncate page, note')).rejects.toThrow(
      'captureTable: page is captured, and TRUNCATE would remove its rows without an event for each; use DELETE',
    )
    await host.engine.releaseTable('page')
    await expect(run(host, 'truncate page cascade')).rejects.toMatchObject({ code: 'XE001' })
    expect(await run(host, 'select * from page')).toHaveLength(1)
    await host.engine.releaseTable('note')
    await run(host, 'truncate page cascade')
  })

  it('captures a partitioned table, its partitions, and rows that move between them', async () => {
    await using host = await open()
    const news = reader(host)
    await run(host, 'create table visit (id integer, year integer, hits integer) partition by list (year)')
    await run(host, 'create table visit_2025 partition of visit for values in (2025)')
    const capture = { table: 'visit', entityName: 'Visitor', entityId: 'id', tenantId: 1 } as const
    await host.engine.captureTable(capture)
    await host.engine.captureTable({ ...capture, data: ['hits'] })
    await run(host, 'create table visit_2026 partition of visit for values in (2026)')
    await run(host, 'insert into visit values (1, 2025, 0)')
    await run(host, 'insert into visit_2026 values (2, 2026, 0)')
    await run(host, 'update visit set hits = 1 where id = 2')
    await run(host, 'update visit set year = 2026 where id = 1')
    expect(await news()).toEqual([
      'Create 1 1:-1',
      'Create 2 1:-1',
      'Update 2 1:-1',
      'Delete 1 1:-1',
      'Create 1 1:-1',
    ])
    expect(await host.engine.releaseTable('visit')).toBe(true)
    await run(host, 'delete from visit')
    expect(await news()).toEqual([])
  })

  it('captures what a role does that may not touch the event log, whatever its session is set to', async () => {
    await using host = await open()
    await run(host, 'create table stamp (id integer, at timestamptz, bytes bytea)')
    await host.engine.captureTable({
      table: 'stamp',
      entityName: 'Setting',
      entityId: 'id',
      tenantId: 1,
      data: ['at', 'bytes'],
    })
    const role = `writer_${crypto.randomUUID().replaceAll('-', '')}`
    await run(host, `create role ${role}`)
    await run(host, `grant insert, select on stamp to ${role}`)
    const client = await host.db.startTransaction().execute()
    try {
      for (const statement of [
        `set local role ${role}`,
        `set local timezone to 'Asia/Tokyo'`,
        `set local bytea_output to 'escape'`,
        `set local search_path to pg_temp`,
        String.raw`insert into public.stamp values (1, '2026-01-02T03:04:05Z', '\x00ff')`,
      ]) {
        await run({ db: client as never }, statement)
      }
      await client.commit().execute()
    } finally {
      await run(host, `drop owned by ${role}`)
      await run(host, `drop role ${role}`)
    }
    expect((await loggedEvents(host)).map(({ data }) => data)).toEqual([
      { at: '2026-01-02T03:04:05+00:00', bytes: String.raw`\x00ff` },
    ])
  })

  it('lets nobody else raise events through its function', async () => {
    await using host = await open()
    await host.engine.captureTable(pages)
    const rows = await run(
      host,
      `select proname from pg_proc where proname like 'xe_capture_%' and has_function_privilege('public', oid, 'execute')`,
    )
    expect(rows).toEqual([])
  })
})
