import { expect, it } from 'vitest'
import { integer, nullable, real, text } from '../../src/sql/columns.ts'
import { findsRow, readRows, runStatement } from '../../src/sql/database.ts'
import { limitIdle, sqlDialectOf } from '../../src/sql/dialects.ts'
import { createRowsStatement } from '../../src/sql/rows-statement.ts'
import { onEachDatabase } from '../open-engine.ts'

onEachDatabase((open, dialect) => {
  const sql = sqlDialectOf(dialect)

  it('passes parameters in any order, as often as the text names them', async () => {
    await using host = await open()
    const statement = sql.statement(
      `select ${sql.cast('$3', 'text')} as third, ${sql.cast('$1', 'integer')} as first, ${sql.cast('$3', 'text')} as again`,
    )
    const rows = await readRows(host.db, { third: text, first: integer, again: text }, statement, [
      1,
      'unused',
      'c',
    ])
    expect(rows).toEqual([{ third: 'c', first: 1, again: 'c' }])
  })

  it('reads records, with null, quotes and large numbers, in any order of their members', async () => {
    await using host = await open()
    const records = sql.records({ id: 'integer', note: 'text', done: 'flag' })
    const statement = sql.statement(
      `select r.id, r.note, case when r.done then 1 else 0 end as done from ${records.table('$1', 'r')} where r.id > $2 order by r.id`,
    )
    const given = [
      { done: true, note: `it's "so"`, id: 2 ** 40 },
      { id: 3, note: null, done: false },
      { id: 1, note: 'left out', done: true },
    ]
    const rows = await readRows(host.db, { id: integer, note: nullable(text), done: integer }, statement, [
      records.encode(given),
      1,
    ])
    expect(rows).toEqual([
      { id: 3, note: null, done: 0 },
      { id: 2 ** 40, note: `it's "so"`, done: 1 },
    ])
    expect(await readRows(host.db, { id: integer }, statement, [records.encode([]), 1])).toEqual([])
  })

  it('compares with lists, of numbers and of texts, empty ones too', async () => {
    await using host = await open()
    const records = sql.records({ id: 'integer', name: 'text' })
    const ids = async (condition: string, list: readonly unknown[]) => {
      const statement = sql.statement(
        `select r.id from ${records.table('$2', 'r')} where ${condition} order by r.id`,
      )
      const all = records.encode([1, 2, 3].map((id) => ({ id, name: `n${id}` })))
      return (await readRows(host.db, { id: integer }, statement, [JSON.stringify(list), all])).map(
        ({ id }) => id,
      )
    }
    expect(await ids(sql.isListed('r.id', '$1'), [3, 1])).toEqual([1, 3])
    expect(await ids(sql.isListed('r.name', '$1', 'text'), ['n2'])).toEqual([2])
    expect(await ids(sql.isListed('r.id', '$1'), [])).toEqual([])
    expect(await ids(sql.isNotListed('r.id', '$1'), [2])).toEqual([1, 3])
    expect(await ids(sql.isNotListed('r.name', '$1', 'text'), [])).toEqual([1, 2, 3])
    expect(
      await ids(sql.isChosen('r.id', `select id from ${records.table('$2', 'x')} where id < 2`), []),
    ).toEqual([1])
  })

  it('compares with null as with a value, and takes the value that is there', async () => {
    await using host = await open()
    const records = sql.records({ a: 'integer', b: 'integer' })
    const statement = sql.statement(
      `select ${sql.least('a', 'b')} as least, ${sql.greatest('a', 'b')} as greatest,
        case when ${sql.differs('a', 'b')} then 1 else 0 end as differs
      from ${records.table('$1', 'r')}`,
    )
    const pairs = [
      { a: 1, b: 2 },
      { a: null, b: 2 },
      { a: 1, b: null },
      { a: null, b: null },
      { a: 5, b: 5 },
    ]
    const columns = { least: nullable(integer), greatest: nullable(integer), differs: integer }
    expect(await readRows(host.db, columns, statement, [records.encode(pairs)])).toEqual([
      { least: 1, greatest: 2, differs: 1 },
      { least: 2, greatest: 2, differs: 1 },
      { least: 1, greatest: 1, differs: 1 },
      { least: null, greatest: null, differs: 0 },
      { least: 5, greatest: 5, differs: 0 },
    ])
  })

  it('inserts, updates what is there, and updates with values of another table', async () => {
    await using host = await open()
    const { db } = host
    const records = sql.records({ id: 'integer', name: 'text' })
    const insert = (upsert: string) =>
      sql.statement(
        `insert into page ("pageId", name) select id, name from ${records.table('$1', 'r')} where ${sql.limitsIdle}${upsert}`,
      )
    const pages = async () =>
      (await readRows(db, { name: text }, 'select name from page order by "pageId"')).map(({ name }) => name)
    const put = insert(
      sql.upsert({
        key: '"pageId"',
        set: `name = ${sql.proposed('name')}`,
        where: sql.differs('page.name', sql.proposed('name')),
      }),
    )
    await runStatement(db, put, [
      records.encode([
        { id: 1, name: 'a' },
        { id: 2, name: 'b' },
      ]),
    ])
    await runStatement(db, put, [records.encode([{ id: 2, name: 'c' }])])
    await runStatement(db, insert(sql.upsert({ key: '"pageId"' })), [
      records.encode([
        { id: 1, name: 'd' },
        { id: 3, name: 'e' },
      ]),
    ])
    expect(await pages()).toEqual(['a', 'c', 'e'])
    const update = sql.update({
      table: 'page',
      alias: 'p',
      set: 'name = r.name',
      from: records.table('$1', 'r'),
      where: 'p."pageId" = r.id',
    })
    await runStatement(db, sql.statement(update), [
      records.encode([
        { id: 3, name: 'f' },
        { id: 9, name: 'g' },
      ]),
    ])
    expect(await pages()).toEqual(['a', 'c', 'f'])
  })

  it('makes the text of an object, whose numbers and nulls stay what they are', async () => {
    await using host = await open()
    const object = sql.jsonObject({
      id: sql.cast('$1', 'integer'),
      note: sql.cast('$2', 'text'),
      none: 'null',
    })
    const [row] = await readRows(host.db, { object: text }, sql.statement(`select ${object} as object`), [
      7,
      'x',
    ])
    expect(JSON.parse(row?.object ?? '')).toEqual({ id: 7, note: 'x', none: null })
  })

  it('tells the time: the parameter on SQLite, the database’s own on PostgreSQL', async () => {
    await using host = await open()
    const [row] = await readRows(
      host.db,
      { now: integer },
      sql.statement(`select ${sql.now('$1')} as now`),
      [12],
    )
    if (dialect === 'sqlite') expect(row?.now).toBe(12)
    else expect(Math.abs((row?.now ?? 0) - Date.now())).toBeLessThan(60_000)
  })

  it('locks rows for no longer than the transaction may idle', async () => {
    await using host = await open()
    await host.db.transaction().execute(async (trx) => {
      await runStatement(trx, 'insert into page ("pageId", name) values (1, \'a\')')
      const locked = sql.statement(
        `select name from page where ${sql.limitsIdle} and "pageId" = $1${sql.lock('for update')}`,
      )
      expect(await readRows(trx, { name: text }, locked, [1])).toEqual([{ name: 'a' }])
      if (dialect === 'sqlite') return
      const setting = `select current_setting('idle_in_transaction_session_timeout') as setting`
      expect(await readRows(trx, { setting: text }, setting)).toEqual([{ setting: '3s' }])
    })
  })

  it('limits the idle time although no row is found', async () => {
    await using host = await open()
    if (dialect === 'sqlite') return
    await host.db.transaction().execute(async (trx) => {
      await runStatement(
        trx,
        sql.statement(`update page set name = 'x' where ${sql.limitsIdle} and "pageId" = $1`),
        [1],
      )
      const setting = `select current_setting('idle_in_transaction_session_timeout') as setting`
      expect(await readRows(trx, { setting: text }, setting)).toEqual([{ setting: '3s' }])
    })
  })

  it('has the idle limit that is asked for, unless the host has set one', async () => {
    await using host = await open()
    if (dialect === 'sqlite') return
    const setting = `select current_setting('idle_in_transaction_session_timeout') as setting`
    await host.db.transaction().execute(async (trx) => {
      await limitIdle(trx, sql, 4_000)
      expect(await readRows(trx, { setting: text }, setting)).toEqual([{ setting: '4s' }])
      await limitIdle(trx, sql, 5_000)
      expect(await readRows(trx, { setting: text }, setting)).toEqual([{ setting: '4s' }])
    })
  })

  it('takes rows of long texts in their order, and draws their keys in that order', async () => {
    await using host = await open()
    const { db } = host
    await runStatement(
      db,
      `create table drawn (key ${sql.drawnKey}, name ${sql.types.text}, note ${sql.types.text})`,
    )
    const insert = createRowsStatement(sql, {
      given: { name: 'text', note: 'text' },
      leading: 1,
      columns: { key: integer },
      write: (
        rows,
      ) => `insert into drawn (name, note) select name, coalesce(note, ${sql.typed('$1', 'text')}) from ${rows}
        returning key`,
    })
    const names = ['c', 'a', `it's "so"`, 'b', 'd']
    const rows = names.map((name, index) => ({ name, note: index === 1 ? 'own' : undefined }))
    expect((await insert(db, ['given'], rows)).map(({ key }) => key)).toEqual([1, 2, 3, 4, 5])
    const stored = await readRows(db, { name: text, note: text }, 'select name, note from drawn order by key')
    expect(stored).toEqual(names.map((name, index) => ({ name, note: index === 1 ? 'own' : 'given' })))
    expect(await insert(db, [''], [])).toEqual([])
  })

  it('draws keys for rows of another table, none twice, and keeps keys that are given', async () => {
    await using host = await open()
    const { keys } = sql
    await runStatement(host.db, `create table drawn (key ${sql.drawnKey}, name ${sql.types.text})`)
    const last = async () =>
      (await readRows(host.db, { last: integer }, `select ${sql.lastKey('drawn', 'key')} as last`))[0]?.last
    const draw = (count: number) =>
      host.db.transaction().execute(async (trx) => {
        if ('draw' in keys) return keys.draw(trx, 'drawn', count)
        const query = `select ${keys.next('drawn', 'key')} as key from generate_series(1, ${count})`
        const [first] = await readRows(trx, { key: integer }, query)
        return (first?.key ?? 0) - 1
      })
    expect(await last()).toBe(0)
    expect(await draw(3)).toBe(0)
    expect(await draw(2)).toBe(3)
    expect(await last()).toBe(5)
    await runStatement(host.db, `insert into drawn (name) values ('a')`)
    await runStatement(host.db, `insert into drawn (key, name)${sql.keepsGivenKeys} select 2, 'b'`)
    const stored = await readRows(
      host.db,
      { key: integer, name: text },
      'select key, name from drawn order by key',
    )
    expect(stored).toEqual([
      { key: 2, name: 'b' },
      { key: 6, name: 'a' },
    ])
    await runStatement(host.db, 'delete from drawn')
    expect(await last()).toBe(6)
  })

  it('stores times and JSON in columns of their types, and gives them back as numbers and text', async () => {
    await using host = await open()
    const { db } = host
    await runStatement(db, `create table typed (at ${sql.types.time}, data ${sql.types.json})`)
    const insert = sql.statement(`insert into typed (at, data)
      values (${sql.time(sql.typed('$1', 'integer'))}, ${sql.json(sql.typed('$2', 'text'))})`)
    const data = JSON.stringify({ id: 7, name: 'x' })
    await runStatement(db, insert, [1_700_000_000_123, data])
    const [row] = await readRows(
      db,
      { at: integer, data: text, id: integer },
      `select ${sql.milliseconds('at')} as at, ${sql.jsonText('data')} as data,
        ${sql.jsonNumber(sql.jsonText('data'), 'id')} as id from typed`,
    )
    expect(row).toEqual({ at: 1_700_000_000_123, data, id: 7 })
    const earlier = sql.statement(
      `select 1 as found from typed where at < ${sql.time(sql.typed('$1', 'integer'))}`,
    )
    expect(await findsRow(db, earlier, [1_700_000_000_123])).toBe(false)
    expect(await findsRow(db, earlier, [1_700_000_000_124])).toBe(true)
  })

  it('reads a list as a table, and a table by the index that is named', async () => {
    await using host = await open()
    await runStatement(host.db, 'create table indexed (a integer, b integer)')
    await runStatement(host.db, 'create index indexed_b on indexed (b)')
    await runStatement(host.db, 'insert into indexed values (1, 5), (2, 6)')
    const statement = sql.statement(`select i.a from ${sql.list('$1', 'l')}
      join indexed i${sql.indexedBy('indexed_b')} on i.b = l.value order by i.a`)
    expect(await readRows(host.db, { a: integer }, statement, ['[6, 5, 9]'])).toEqual([{ a: 1 }, { a: 2 }])
  })

  it('finds the tables there are', async () => {
    await using host = await open()
    for (const find of [sql.findTable, (name: string) => sql.findTableIn(undefined, name)]) {
      expect(await findsRow(host.db, find('page'))).toBe(true)
      expect(await findsRow(host.db, find('nothing'))).toBe(false)
    }
  })

  it('tells the time of this moment', async () => {
    await using host = await open()
    const [row] = await readRows(host.db, { clock: real }, `select ${sql.clock} as clock`)
    expect(Math.abs((row?.clock ?? 0) - Date.now())).toBeLessThan(60_000)
  })
})
