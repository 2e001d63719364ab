import { describe, expect, it } from 'vitest'
import { createEventEngine } from '../../src/index.ts'
import { type OpenEngine, onEachDatabase, openEngine } from '../open-engine.ts'
import { briefly, loggedEvents, run } from './captured-events.ts'

const pages = { table: 'page', entityName: 'Page', entityId: 'pageId', tenantId: 1 } as const

onEachDatabase((open, dialect) => {
  /** What the database holds of captures: triggers, with whatever changes when they are made anew. */
  async function triggersOf(host: OpenEngine): Promise<unknown[]> {
    if (dialect === 'sqlite') {
      const [version] = (await run(host, 'pragma schema_version')) as { schema_version: number }[]
      const triggers = await run(host, `select name from sqlite_schema where type = 'trigger'`)
      return triggers.length === 0 ? [] : [version, ...triggers]
    }
    return run(
      host,
      `select oid::text, tgname as name from pg_trigger where tgname like '%xe_capture%'
        union all select oid::text || xmin::text, proname from pg_proc where proname like 'xe_capture%' order by 1`,
    )
  }

  it('does nothing where the triggers are up to date', async () => {
    await using host = await open()
    await host.engine.captureTable({ ...pages, data: ['name'] })
    const before = await triggersOf(host)
    expect(before).not.toEqual([])
    await host.engine.captureTable({ ...pages, data: ['name'] })
    await createEventEngine({ db: host.db }).captureTable({ ...pages, data: ['name'] })
    expect(await triggersOf(host)).toEqual(before)
  })

  it('takes on other options, and leaves nothing of the former', async () => {
    await using host = await open()
    await host.engine.captureTable({ ...pages, actions: ['Delete'] })
    const { length } = await triggersOf(host)
    await host.engine.captureTable({ ...pages, data: ['name'], tenantId: 2 })
    await host.engine.captureTable({ ...pages, data: ['name'], tenantId: 2, entityName: 'Module' })
    await run(host, `insert into page values (1, 'a')`)
    const events = await loggedEvents(host)
    expect(events.map(briefly)).toEqual(['Create 1 2:-1'])
    expect(events).toMatchObject([{ entityName: 'Module', data: { name: 'a' } }])
    await host.engine.captureTable({ ...pages, actions: ['Delete'] })
    expect(await triggersOf(host)).toHaveLength(length)
  })

  it('follows a table that gets a column, loses one, and renames one', async () => {
    await using host = await open()
    await host.engine.captureTable({ ...pages, data: ['name'] })
    await run(host, 'alter table page add column path text')
    await host.engine.captureTable({ ...pages, data: ['name', 'path'] })
    await run(host, `insert into page values (1, 'a', '/a')`)
    await run(host, `update page set path = '/b'`)

    await run(host, 'alter table page rename column name to title')
    await expect(host.engine.captureTable({ ...pages, data: ['name', 'path'] })).rejects.toMatchObject({
      code: 'invalid_capture',
      message:
        'captureTable: options.data names the column "name", which the table "page" does not have; it has pageId, title, path.',
    })
    await host.engine.releaseTable('page')
    await run(host, 'alter table page drop column path')
    await host.engine.captureTable({ ...pages, data: ['title'] })
    await run(host, `update page set title = 'b'`)
    expect((await loggedEvents(host)).map(({ data }) => data)).toEqual([
      { name: 'a', path: '/a' },
      { name: 'a', path: '/b', $changed: ['path'] },
      { title: 'b', $changed: ['title'] },
    ])
  })

  it('changes table and triggers in one transaction, which may be rolled back', async () => {
    await using host = await open()
    await host.engine.captureTable({ ...pages, data: ['name'] })
    const migrate = (outcome: 'commit' | 'rollback') =>
      host.db.transaction().execute(async (trx) => {
        await host.engine.releaseTable('page', { trx })
        await trx.schema.alterTable('page').dropColumn('name').execute()
        await trx.schema.alterTable('page').addColumn('title', 'text').execute()
        await host.engine.captureTable({ ...pages, data: ['title'], trx })
        if (outcome === 'rollback') throw new Error('changed my mind')
      })
    await expect(migrate('rollback')).rejects.toThrow('changed my mind')
    await run(host, `insert into page values (1, 'a')`)
    await migrate('commit')
    await run(host, `insert into page values (2, 'b')`)
    expect((await loggedEvents(host)).map(({ data }) => data)).toEqual([{ name: 'a' }, { title: 'b' }])
  })

  it('captures a table once, however many nodes start at the same time', async () => {
    await using host = await open()
    const engines = Array.from({ length: 8 }, () => createEventEngine({ db: host.db }))
    await Promise.all(engines.map((engine) => engine.captureTable({ ...pages, data: ['name'] })))
    await Promise.all(
      engines.map((engine, index) =>
        engine.captureTable({ ...pages, data: index % 2 === 0 ? ['name'] : ['pageId'] }),
      ),
    )
    await run(host, `insert into page values (1, 'a')`)
    expect((await loggedEvents(host)).map(briefly)).toEqual(['Create 1 1:-1'])
  })

  it('lets go of a table, once and whole, and of one that is gone', async () => {
    await using host = await open()
    await host.engine.captureTable({ ...pages, data: ['name'] })
    expect(await host.engine.releaseTable('page')).toBe(true)
    expect(await host.engine.releaseTable('page')).toBe(false)
    expect(await triggersOf(host)).toEqual([])
    await run(host, `insert into page values (1, 'a')`)
    expect(await loggedEvents(host)).toEqual([])

    await host.engine.captureTable(pages)
    await run(host, 'drop table page')
    expect(await host.engine.releaseTable('page')).toBe(false)
    await run(host, 'create table page (id integer, name text)')
    await host.engine.captureTable({ ...pages, entityId: 'id' })
    await host.engine.releaseTable('page')
    expect(await triggersOf(host)).toEqual([])
  })

  it('lets go of a table in a transaction of the host', async () => {
    await using host = await open()
    await host.engine.captureTable(pages)
    await host.engine.transaction(async ({ trx }) => {
      await host.engine.releaseTable('page', { trx })
      await trx.insertInto('page').values({ pageId: 1, name: 'a' }).execute()
      await host.engine.captureTable({ ...pages, trx })
    })
    await run(host, `insert into page values (2, 'b')`)
    expect((await loggedEvents(host)).map(briefly)).toEqual(['Create 2 1:-1'])
  })

  it('keeps the captures of two engines in one database apart', async () => {
    await using host = await open()
    const other = createEventEngine({ db: host.db, tablePrefix: 'other_' })
    await other.migrate()
    await host.engine.captureTable(pages)
    await other.captureTable({ ...pages, tenantId: 2 })
    await run(host, `insert into page values (1, 'a')`)
    expect((await loggedEvents({ db: host.db, engine: other })).map(briefly)).toEqual(['Create 1 2:-1'])
    await other.releaseTable('page')
    await run(host, `insert into page values (2, 'b')`)
    expect((await loggedEvents(host)).map(briefly)).toEqual(['Create 1 1:-1', 'Create 2 1:-1'])
  })

  it.each<[string, object, string]>([
    ['a table that is not there', { table: 'pages' }, 'the database has no table "pages"'],
    ['a view', { table: 'names' }, 'the database has no table "names"'],
    ['a table of the event log', { table: 'xe_sync_event' }, 'belongs to the event log'],
    ['no table', { table: '' }, 'options.table must be the name of a table'],
    ['a name that SQL cannot hold', { table: 'a\0b' }, 'options.table must be the name of a table'],
    ['an entity name with a full stop', { entityName: 'Page.Create' }, 'options.entityName must be letters'],
    ['no key', { entityId: undefined }, 'options.entityId must be the name'],
    ['a key that is not there', { entityId: 'pageid' }, 'options.entityId names the column "pageid"'],
    [
      'a tenant that is no integer',
      { tenantId: 1.5 },
      'options.tenantId must be { column: name }, an integer',
    ],
    [
      'a tenant of a column that is not there',
      { tenantId: { column: 'tenant' } },
      'options.tenantId names the column',
    ],
    [
      'a site of a column that is not there',
      { siteId: { column: 'site' } },
      'options.siteId names the column',
    ],
    ['a site that is a text', { siteId: '7' }, 'options.siteId must be'],
    ['data that is no list', { data: 'name' }, 'options.data must be a list'],
    ['a column twice', { data: ['name', 'name'] }, 'options.data must be columns that are all different'],
    ['a column that is not there', { data: ['name', 'x'] }, 'it has pageId, name'],
    ['a column that events use', { data: ['$changed'] }, 'which events use themselves'],
    ['no action', { actions: [] }, 'options.actions must be a list'],
    ['an action that was never set', { actions: new Array(1) }, 'options.actions must be a list'],
    ['an action of another name', { actions: ['Refresh'] }, 'options.actions must be a list'],
    ['a fallback without a site', { onMissingContext: { tenantId: 1 } }, 'options.onMissingContext.siteId'],
  ])('refuses %s, and changes nothing', async (_what, options, message) => {
    await using host = await open()
    await run(host, 'create view names as select name from page')
    const error = await host.engine.captureTable({ ...pages, ...options }).catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ code: 'invalid_capture', message: expect.stringContaining(message) })
    expect(await triggersOf(host)).toEqual([])
  })

  it('refuses a capture that would wait for the transaction which it is called in', async () => {
    await using host = await open()
    const capturing = host.engine.transaction(() => host.engine.captureTable(pages))
    await expect(capturing).rejects.toMatchObject({ code: 'trx_required' })
    await expect(host.engine.captureTable({ ...pages, trx: host.db as never })).rejects.toMatchObject({
      code: 'not_a_transaction',
    })
  })

  it('refuses a database that was not migrated', async () => {
    await using host = await open()
    const engine = createEventEngine({ db: host.db, tablePrefix: 'other_' })
    await expect(engine.captureTable(pages)).rejects.toMatchObject({ code: 'not_migrated' })
  })

  it('refuses to write a row that no event could be about', async () => {
    await using host = await open()
    await run(host, 'create table role (id integer, tenant integer, name text)')
    await run(host, `insert into role values (1, null, 'from before'), (null, 1, 'from before')`)
    const role = {
      table: 'role',
      entityName: 'Role',
      entityId: 'id',
      tenantId: { column: 'tenant' },
    } as const
    await host.engine.captureTable(role)
    await expect(run(host, `insert into role values (null, 1, 'a')`)).rejects.toThrow(
      'id of a row of role is null',
    )
    await expect(run(host, `insert into role values (1, null, 'a')`)).rejects.toThrow(
      'tenant of a row of role',
    )
    await expect(run(host, `update role set name = 'b'`)).rejects.toThrow('captureTable')
    // What nobody has heard of can be put right, or go.
    await run(host, 'update role set tenant = 1 where id = 1')
    await run(host, 'delete from role where id is null')
    expect((await loggedEvents(host)).map(briefly)).toEqual(['Create 1 1:-1'])
  })
})

onEachDatabase((open) => {
  it('refuses a tenant or site that JavaScript would take for another one', async () => {
    await using host = await open()
    await run(host, 'create table role (id integer, tenant bigint, site bigint)')
    await run(host, 'insert into role values (0, 9007199254740993, 1), (1, 1, -9007199254740993)')
    await host.engine.captureTable({
      table: 'role',
      entityName: 'Role',
      entityId: 'id',
      tenantId: { column: 'tenant' },
      siteId: { column: 'site' },
    })
    const tooLarge = [
      '9007199254740992, 1',
      '-9007199254740993, 1',
      '1, 9007199254740993',
      '1, -9223372036854775808',
    ]
    for (const values of tooLarge) {
      const inserting = run(host, `insert into role values (2, ${values})`)
      await expect(inserting).rejects.toThrow('of a row of role is no integer up to 2^53')
    }
    await run(host, 'insert into role values (3, 9007199254740991, -9007199254740991)')
    await run(host, 'update role set tenant = 2, site = null where id = 0')
    await run(host, 'delete from role where id = 3')
    await run(host, 'delete from role')
    expect((await loggedEvents(host)).map(briefly)).toEqual([
      'Create 3 9007199254740991:-9007199254740991',
      'Create 0 2:-1',
      'Delete 3 9007199254740991:-9007199254740991',
      'Delete 0 2:-1',
    ])
  })
})

describe('on sqlite', () => {
  it('keeps a column from being dropped while triggers know it', async () => {
    await using host = await openEngine()
    await host.engine.captureTable(pages)
    await expect(run(host, 'alter table page drop column name')).rejects.toThrow('xe_capture_update_page')
    await run(host, `insert into page values (1, 'a')`)
    expect((await loggedEvents(host)).map(briefly)).toEqual(['Create 1 1:-1'])
  })

  it('refuses a virtual table', async () => {
    await using host = await openEngine()
    await run(host, 'create virtual table search using fts5(body)')
    await expect(
      host.engine.captureTable({ ...pages, table: 'search', entityId: 'body' }),
    ).rejects.toMatchObject({ code: 'invalid_capture' })
  })

  it('refuses a tenant in a row that is no integer', async () => {
    await using host = await openEngine()
    await run(host, 'create table role (id integer, tenant, site)')
    await host.engine.captureTable({
      table: 'role',
      entityName: 'Role',
      entityId: 'id',
      tenantId: { column: 'tenant' },
      siteId: { column: 'site' },
    })
    await expect(run(host, `insert into role values (1, '1', 1)`)).rejects.toThrow('tenant of a row of role')
    await expect(run(host, `insert into role values (1, 1, 1.5)`)).rejects.toThrow('site of a row of role')
    await run(host, 'insert into role values (1, 1, null)')
  })
})

describe('on postgres', () => {
  const open = (schema?: string) => openEngine({ schema }, 'postgres')

  it('captures tables of any schema, for an engine in any schema', async () => {
    await using host = await open('events')
    await run(host, 'create schema blog')
    await run(host, 'create table blog.page (id integer)')
    await host.engine.captureTable({ ...pages, table: 'blog.page', entityId: 'id', tenantId: 2 })
    await host.engine.captureTable(pages)
    await run(host, 'insert into blog.page values (1)')
    await run(host, `insert into public.page values (1, 'a')`)
    expect((await loggedEvents(host)).map(briefly)).toEqual(['Create 1 2:-1', 'Create 1 1:-1'])
    expect(await host.engine.releaseTable('blog.page')).toBe(true)
    await expect(host.engine.captureTable({ ...pages, table: 'events.xe_sync_event' })).rejects.toThrow(
      'event log',
    )
    await expect(host.engine.captureTable({ ...pages, table: 'a.b.c' })).rejects.toThrow('schema.table')
  })

  it('does not take a table from another engine without being told', async () => {
    await using host = await open('events')
    const other = createEventEngine({ db: host.db, schema: 'more_events' })
    await other.migrate()
    await host.engine.captureTable(pages)
    await expect(other.captureTable(pages)).rejects.toMatchObject({ code: 'invalid_capture' })
    await host.engine.releaseTable('page')
    await other.captureTable(pages)
  })

  it('refuses a tenant of a column that holds no integers', async () => {
    await using host = await open()
    const capturing = host.engine.captureTable({ ...pages, tenantId: { column: 'name' } })
    await expect(capturing).rejects.toMatchObject({
      code: 'invalid_capture',
      message: expect.stringContaining('which is text and no smallint, integer or bigint'),
    })
  })

  it('notices a change of a column that the triggers do not know yet', async () => {
    await using host = await open()
    await run(host, `insert into page values (1, 'a')`)
    await host.engine.captureTable({ ...pages, data: ['name'] })
    await run(host, 'alter table page add column path text')
    await run(host, `update page set path = '/'`)
    expect((await loggedEvents(host)).map(({ data }) => data)).toEqual([{ name: 'a', $changed: [] }])
  })

  it('goes on with what is left once a column is dropped', async () => {
    await using host = await open()
    await run(host, 'alter table page add column path text, add column note text, add column rank integer')
    await host.engine.captureTable({ ...pages, data: ['path', 'name', 'rank'] })
    await run(host, 'alter table page drop column path, drop column note')
    await run(host, `insert into page values (1, 'a', 5)`)
    await run(host, `update page set name = 'b'`)
    await run(host, 'delete from page')
    expect((await loggedEvents(host)).map(({ data }) => data)).toEqual([
      { name: 'a', rank: 5 },
      { name: 'b', rank: 5, $changed: ['name'] },
      { name: 'b', rank: 5 },
    ])
  })
})
