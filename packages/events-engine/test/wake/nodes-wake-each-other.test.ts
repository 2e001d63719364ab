import { EntityNames } from '@x/events-core'
import { waitFor } from '@x/testkit'
import { postgresDatabase } from '@x/testkit/postgres'
import { expect, it } from 'vitest'
import { createEventEngine } from '../../src/index.ts'
import { internalsOf } from '../../src/internal.ts'
import { recordingLogger, site } from '../open-engine.ts'

it('tells another node of a commit long before its next poll, also after its connection was cut', async () => {
  await using database = await postgresDatabase<object>()
  const logger = recordingLogger()
  const elsewhere = database.connect()
  await using here = createEventEngine({ db: database.db, postgres: { pool: database.pool } })
  // So rare that a poll of its own cannot be what wakes it, once it is idle.
  await using there = createEventEngine({
    db: elsewhere.db,
    postgres: { pool: elsewhere.pool },
    pollMinMs: 60_000,
    pollMaxMs: 60_000,
    logger,
  })
  await here.migrate()
  const seen: unknown[] = []
  await there.subscribe(
    { entityChanged: (event) => void seen.push(event.entityId) },
    { name: 'there', mode: 'broadcast' },
  )
  await here.start()
  await there.start()
  const raise = (id: number) =>
    here.transaction(({ raise: add }) => add(site, EntityNames.File, id, 'Download'))
  const listeners = async () => {
    const { rows } = await database.pool.query<{ pid: number }>(
      `select pid from pg_stat_activity where datname = current_database() and query like 'listen %'`,
    )
    return rows.length === 2 && rows
  }
  const before = await waitFor(listeners, 'both nodes to listen')
  await raise(1)
  await waitFor(() => seen.length === 1, 'the event on the other node')

  await database.pool.query('select pg_terminate_backend(pid) from unnest($1::int[]) pid', [
    before.map(({ pid }) => pid),
  ])
  await waitFor(async () => {
    const now = await listeners()
    return now ? now.every(({ pid }) => !before.some((old) => old.pid === pid)) : false
  }, 'both nodes to listen again')
  await raise(2)
  await waitFor(() => seen.length === 2, 'the event after the cut')
  expect(seen).toEqual([1, 2])
})

it('tells the other nodes, and only them, of what a package that builds on it has to look at', async () => {
  await using database = await postgresDatabase<object>()
  const elsewhere = database.connect()
  await using here = createEventEngine({ db: database.db, postgres: { pool: database.pool } })
  await using there = createEventEngine({ db: elsewhere.db, postgres: { pool: elsewhere.pool } })
  await here.migrate()
  const heard: string[] = []
  internalsOf(here).onMessage('one', () => heard.push('here one'))
  const end = internalsOf(there).onMessage('one', () => heard.push('there one'))
  internalsOf(there).onMessage('two', () => heard.push('there two'))
  const everything = ['here one', 'there one', 'there two']
  expect(heard, 'a node that begins to listen looks for events').toEqual(everything)
  heard.length = 0
  await here.start()
  await there.start()
  await waitFor(() => heard.length === 3, 'both nodes to listen, and to look at everything')
  expect(heard.toSorted()).toEqual(everything)

  heard.length = 0
  internalsOf(here).publish('one')
  await waitFor(() => heard.length > 0, 'the other node to hear')
  expect(heard).toEqual(['there one'])

  end()
  internalsOf(here).publish('one')
  internalsOf(here).publish('two')
  await waitFor(() => heard.includes('there two'), 'the second topic')
  expect(heard).toEqual(['there one', 'there two'])
})
