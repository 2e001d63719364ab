import { describe, expect, it } from 'vitest'
import { type OpenEngine, onEachDatabase, openEngine } from '../open-engine.ts'
import { loggedEvents, run } from './captured-events.ts'

const dataOf = async (host: OpenEngine) => (await loggedEvents(host)).map(({ data }) => data)
const idsOf = async (host: OpenEngine) => (await loggedEvents(host)).map(({ entityId }) => entityId)

onEachDatabase((open, dialect) => {
  const account = { table: 'account', entityName: 'User', entityId: 'id', tenantId: 1 } as const
  const createAccount = 'create table account (id integer primary key, name text, mail text, secret text)'

  it('shows chosen columns only, and of others no more than that they changed', async () => {
    await using host = await open()
    await run(host, createAccount)
    await host.engine.captureTable({ ...account, data: ['name', 'id'] })
    await run(host, `insert into account values (1, 'Ada', 'a@example.com', 'hunter2')`)
    await run(host, `update account set secret = 'hunter3', mail = null`)
    await run(host, 'delete from account')
    const data = await dataOf(host)
    expect(data).toEqual([
      { name: 'Ada', id: 1 },
      { name: 'Ada', id: 1, $changed: ['mail', 'secret'] },
      { name: 'Ada', id: 1 },
    ])
    expect(JSON.stringify(data[0])).toBe('{"name":"Ada","id":1}')
    expect(JSON.stringify(data)).not.toContain('hunter')
  })

  it('has no data where none was asked for, and the names of what changed where no column was', async () => {
    await using host = await open()
    await run(host, createAccount)
    const change = async () => {
      await run(host, `insert into account (id, name) values (1, 'Ada')`)
      await run(host, `update account set name = 'Eve'`)
      await run(host, 'delete from account')
    }
    await host.engine.captureTable(account)
    await change()
    await host.engine.captureTable({ ...account, data: [] })
    await change()
    const data = await dataOf(host)
    expect(data).toEqual([undefined, undefined, undefined, undefined, { $changed: ['name'] }, undefined])
  })

  it('shows what the chosen columns were that an update has changed, where that is wanted', async () => {
    await using host = await open()
    await run(host, createAccount)
    await host.engine.captureTable({ ...account, data: ['name', 'mail'], before: true })
    await run(host, `insert into account values (1, 'Ada', null, 'hunter2')`)
    await run(host, `update account set name = 'Eve', mail = 'e@example.com', secret = 'hunter3'`)
    await run(host, `update account set secret = 'hunter4', name = '"x'`)
    await run(host, `update account set secret = 'hunter5'`)
    await run(host, 'delete from account')
    const data = await dataOf(host)
    const mail = 'e@example.com'
    expect(data).toEqual([
      { name: 'Ada', mail: null },
      {
        name: 'Eve',
        mail,
        $changed: ['mail', 'name', 'secret'],
        $before: { name: 'Ada', mail: null },
      },
      { name: '"x', mail, $changed: ['name', 'secret'], $before: { name: 'Eve' } },
      { name: '"x', mail, $changed: ['secret'], $before: {} },
      { name: '"x', mail },
    ])
    expect(JSON.stringify(data)).not.toContain('hunter')
  })

  it('tells what integers, numbers and names of any kind were, as it tells what they are', async () => {
    await using host = await open({ maxDataBytes: 2_000 })
    const names = [`o'Brien "x"`, '\\\\', ...Array.from({ length: 120 }, (_, index) => `c${index}`)]
    const quoted = names.map((name) => `"${name.replaceAll('"', '""')}"`)
    await run(
      host,
      `create table wide (id integer primary key, ${quoted.map((name) => `${name} bigint`).join()})`,
    )
    await host.engine.captureTable({ ...account, table: 'wide', data: names, before: true })
    await run(host, `insert into wide (id, ${quoted[0]}, ${quoted[1]}) values (1, 9007199254740993, 5)`)
    await run(host, `update wide set ${quoted[0]} = 7, ${quoted[1]} = null, c119 = 1`)
    const [, updated] = (await dataOf(host)) as [unknown, { $before: object; $changed: readonly string[] }]
    expect(updated.$before).toEqual({
      [names[0] as string]: '9007199254740993',
      [names[1] as string]: 5,
      c119: null,
    })
    expect(updated.$changed).toHaveLength(3)
  })

  it('needs columns to tell what they were', async () => {
    await using host = await open()
    await run(host, createAccount)
    await expect(host.engine.captureTable({ ...account, before: true })).rejects.toThrow('options.before')
    await expect(
      host.engine.captureTable({ ...account, data: ['name'], before: 'yes' as never }),
    ).rejects.toMatchObject({ code: 'invalid_capture' })
    await expect(host.engine.captureTable({ ...account, data: ['$before'] })).rejects.toThrow('$before')
  })

  it('leaves out data above the limit, and says so, as the change itself must not fail', async () => {
    await using host = await open({ maxDataBytes: 100 })
    await run(host, createAccount)
    await host.engine.captureTable({ ...account, data: ['name'] })
    await run(
      host,
      `insert into account (id, name) values (1, '${'x'.repeat(89)}'), (2, '${'x'.repeat(90)}')`,
    )
    await run(host, `update account set name = '${'é'.repeat(50)}' where id = 1`)
    expect(await dataOf(host)).toEqual([
      { name: 'x'.repeat(89) },
      { $omitted: true },
      { $omitted: true, $changed: ['name'] },
    ])
  })

  it('keeps texts as they are, whatever is in them', async () => {
    await using host = await open()
    await host.engine.captureTable({
      table: 'page',
      entityName: 'Page',
      entityId: 'name',
      tenantId: 1,
      data: ['name'],
    })
    const texts = [`'`, '"', '\\', '\n', '\u2028', '😀', '</script>', '{"a":1}', '%s', '$1', '7', 'null']
    for (const [pageId, name] of texts.entries())
      await host.db.insertInto('page').values({ pageId, name }).execute()
    expect(await idsOf(host)).toEqual(texts)
    expect(await dataOf(host)).toEqual(texts.map((name) => ({ name })))
  })

  it('writes integers that JavaScript cannot hold as text, in ids and data', async () => {
    await using host = await open()
    await run(host, 'create table counter (id bigint primary key, n bigint)')
    await host.engine.captureTable({
      table: 'counter',
      entityName: 'Setting',
      entityId: 'id',
      tenantId: 1,
      data: ['n'],
    })
    const most = '9007199254740991'
    await run(
      host,
      `insert into counter values (1, ${most}), (-${most}, 9007199254740992), (9223372036854775807, -9223372036854775808)`,
    )
    expect(await idsOf(host)).toEqual([1, -9007199254740991, '9223372036854775807'])
    expect(await dataOf(host)).toEqual([
      { n: 9007199254740991 },
      { n: '9007199254740992' },
      { n: '-9223372036854775808' },
    ])
  })

  it('writes names of any kind safely into its triggers', async () => {
    await using host = await open()
    const table = `o'Brien "x"; drop table page; --`
    const [id, tenant, text] = [`i"d'`, '$body$', String.raw`\'; select 1 --`]
    const quoted = (name: string) => `"${name.replaceAll('"', '""')}"`
    await run(
      host,
      `create table ${quoted(table)} (${quoted(id)} integer primary key, ${quoted(tenant)} integer, ${quoted(text)} text)`,
    )
    await host.engine.captureTable({
      table,
      entityName: 'Setting',
      entityId: id,
      tenantId: { column: tenant },
      data: [text],
    })
    await run(host, `insert into ${quoted(table)} values (1, 2, 'a')`)
    await run(host, `update ${quoted(table)} set ${quoted(text)} = 'b'`)
    await run(host, `delete from ${quoted(table)}`)
    expect(await dataOf(host)).toEqual([{ [text]: 'a' }, { [text]: 'b', $changed: [text] }, { [text]: 'b' }])
    await expect(run(host, `insert into ${quoted(table)} values (1, null, 'a')`)).rejects.toThrow(
      'captureTable',
    )
    expect(await host.engine.releaseTable(table)).toBe(true)
    await run(host, `insert into ${quoted(table)} values (1, null, 'a')`)
    expect(await run(host, 'select * from page')).toEqual([])
  })

  it('writes what a column of many columns holds', async () => {
    await using host = await open()
    const names = Array.from({ length: 150 }, (_, index) => `c${index}`)
    await run(
      host,
      `create table wide (id integer primary key, ${names.map((name) => `${name} integer`).join()})`,
    )
    await host.engine.captureTable({
      table: 'wide',
      entityName: 'Setting',
      entityId: 'id',
      tenantId: 1,
      data: names,
    })
    await run(host, `insert into wide (id, c149) values (1, 5)`)
    await run(host, 'update wide set c148 = 4')
    const [created, updated] = await dataOf(host)
    expect(created).toMatchObject({ c0: null, c149: 5 })
    expect(updated).toMatchObject({ c148: 4, $changed: ['c148'] })
  })

  it('writes each type as JSON has it, alike on both databases where they have the type', async () => {
    await using host = await open()
    const columns = 'id text primary key, flag boolean, doc json, part real, bytes'
    await run(host, `create table kind (${columns} ${dialect === 'sqlite' ? 'blob' : 'bytea'})`)
    await host.engine.captureTable({
      table: 'kind',
      entityName: 'Setting',
      entityId: 'id',
      tenantId: 1,
      data: ['flag', 'doc', 'part', 'bytes'],
    })
    const bytes = dialect === 'sqlite' ? "x'00ff'" : String.raw`'\x00ff'`
    await run(host, `insert into kind values ('a', true, '{"b": [1, null]}', 0.5, ${bytes})`)
    await run(
      host,
      `insert into kind values ('b', false, '"text"', 9e999, null)`.replace('9e999', infinity()),
    )
    await run(host, `insert into kind values ('c', null, null, null, null)`)
    expect(await dataOf(host)).toEqual([
      { flag: true, doc: { b: [1, null] }, part: 0.5, bytes: String.raw`\x00ff` },
      { flag: false, doc: 'text', part: 'Infinity', bytes: null },
      { flag: null, doc: null, part: null, bytes: null },
    ])

    function infinity() {
      return dialect === 'sqlite' ? '9e999' : `'Infinity'`
    }
  })
})

describe('on sqlite', () => {
  it('takes values of any type in any column', async () => {
    await using host = await openEngine()
    await run(host, 'create table loose (id, value)')
    await host.engine.captureTable({
      table: 'loose',
      entityName: 'Setting',
      entityId: 'id',
      tenantId: 1,
      data: ['value'],
    })
    await run(host, `insert into loose values (7, 'a'), ('7', 1.5), (7.0, x'0a'), (1.5, 7), (x'ab', null)`)
    expect(await idsOf(host)).toEqual([7, '7', 7, '1.5', String.raw`\xab`])
    expect((await dataOf(host)).map((data) => (data as { value: unknown }).value)).toEqual([
      'a',
      1.5,
      String.raw`\x0a`,
      7,
      null,
    ])
    await run(host, `update loose set value = '7' where id = 1.5`)
    expect(await dataOf(host)).toHaveLength(6)
  })

  it('sees generated columns', async () => {
    await using host = await openEngine()
    await run(
      host,
      'create table box (id integer primary key, a integer, b integer as (a * 2), c integer as (a * 3) stored)',
    )
    await host.engine.captureTable({
      table: 'box',
      entityName: 'Setting',
      entityId: 'id',
      tenantId: 1,
      data: ['b', 'c'],
    })
    await run(host, 'insert into box (id, a) values (1, 1)')
    await run(host, 'update box set a = 2')
    expect(await dataOf(host)).toEqual([
      { b: 2, c: 3 },
      { b: 4, c: 6, $changed: ['a', 'b', 'c'] },
    ])
  })
})

describe('on postgres', () => {
  const open = () => openEngine({}, 'postgres')

  it('takes types that have no equality, and those that JSON has no word for', async () => {
    await using host = await open()
    const values = {
      n: '12.50::numeric',
      big: '12345678901234567890::numeric',
      j: `'{"b":1,"a":"\\u0000"}'::json`,
      jb: `'{"b":1,"a":2}'::jsonb`,
      at: `'2026-01-02T03:04:05.678901Z'::timestamptz`,
      d: `'2026-01-02'::date`,
      span: `'1 day 2 hours'::interval`,
      list: `array[1, 2]`,
      place: 'point(1, 2)',
      x: `'<a/>'::xml`,
      f: `'NaN'::float8`,
    }
    await run(
      host,
      `create table kind as select 1 as id, ${Object.entries(values)
        .map(([name, value]) => `${value} as ${name}`)
        .join()}`,
    )
    const [first] = await run(host, 'select count(*)::int as n from kind')
    expect(first).toEqual({ n: 1 })
    await host.engine.captureTable({
      table: 'kind',
      entityName: 'Setting',
      entityId: 'id',
      tenantId: 1,
      data: Object.keys(values),
    })
    await run(host, 'update kind set id = id, j = j, place = place, x = x')
    await run(host, `update kind set place = point(1, 3), j = '{}'`)
    expect(await dataOf(host)).toEqual([
      {
        n: 12.5,
        big: '12345678901234567890',
        j: {},
        jb: { b: 1, a: 2 },
        at: '2026-01-02T03:04:05.678901+00:00',
        d: '2026-01-02',
        span: 'P1DT2H',
        list: [1, 2],
        place: '(1,3)',
        x: '<a/>',
        f: 'NaN',
        $changed: ['j', 'place'],
      },
    ])
  })

  it.each([
    ['uuid', `'01890a5d-ac96-774b-bcce-b302099a8057'`, '01890a5d-ac96-774b-bcce-b302099a8057'],
    ['numeric', '7.00', 7],
    ['numeric', '7.5', '7.5'],
    ['smallint', '7', 7],
    ['varchar(9)', `'7'`, '7'],
    ['double precision', '7', 7],
    ['id_domain', '7', 7],
  ])('writes an id of type %s, %s, as %j', async (type, value, expected) => {
    await using host = await open()
    await run(host, 'create domain id_domain as bigint')
    await run(host, `create table thing (id ${type})`)
    await host.engine.captureTable({ table: 'thing', entityName: 'Setting', entityId: 'id', tenantId: 1 })
    await run(host, `insert into thing values (${value})`)
    expect(await idsOf(host)).toEqual([expected])
  })
})
