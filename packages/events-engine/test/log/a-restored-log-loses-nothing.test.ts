import { EntityNames } from '@x/events-core'
import { waitFor } from '@x/testkit'
import { type PostgresDatabase, postgresDatabase } from '@x/testkit/postgres'
import { startPostgresServer } from '@x/testkit/postgres-server'
import { expect, it } from 'vitest'
import { fromPg } from '../../src/adapters/pg.ts'
import { createEventEngine } from '../../src/index.ts'
import { recordingLogger, site } from '../open-engine.ts'

/** What pg_dump and psql do to these tables: the rows as they are, and sequences that go on behind them. */
async function dumpAndRestore(from: PostgresDatabase<object>, to: PostgresDatabase<object>) {
  await to.pool.query('truncate xe_sync_event, xe_subscription, xe_log_state')
  for (const table of ['xe_log_state', 'xe_sync_event', 'xe_subscription']) {
    const { rows } = await from.pool.query(`select coalesce(json_agg(t), '[]')::text as rows from ${table} t`)
    await to.pool.query(
      `insert into ${table} overriding system value select * from json_populate_recordset(null::${table}, $1)`,
      [rows[0].rows],
    )
  }
  await to.pool.query(
    `select setval(pg_get_serial_sequence('xe_sync_event', 'seq'), (select max(seq) from xe_sync_event))`,
  )
}

it('hands out what was not handled, and then what is new, in a cluster whose transactions count from the start', async () => {
  await using oldDatabase = await postgresDatabase<object>()
  // The old cluster has counted on: its transaction ids lie in the new one's future.
  await oldDatabase.pool.query(`create procedure count_on() language plpgsql as
    $$ begin for i in 1..20000 loop perform pg_current_xact_id(); commit; end loop; end $$`)
  await oldDatabase.pool.query('call count_on()')

  const oldEngine = createEventEngine({ db: oldDatabase.db })
  await oldEngine.migrate()
  const raise = (engine: typeof oldEngine, id: number) =>
    engine.syncManager.addSyncEvent(site, EntityNames.File, id, 'Download')
  const seenBefore: unknown[] = []
  const into = (seen: unknown[]) => ({
    entityChanged: (event: { entityId: unknown }) => void seen.push(event.entityId),
  })
  const quick = { name: 'quick', mode: 'durable' } as const
  const paused = { name: 'paused', mode: 'durable' } as const
  await oldEngine.subscribe(into(seenBefore), quick)
  await oldEngine.subscribe(into([]), paused)
  await oldEngine.start()
  await oldEngine.subscriptions.pause('paused')
  await waitFor(async () => (await oldEngine.subscriptions.list())[0]?.leasedBy === undefined, 'the pause')
  // One event is raised in a transaction that outlasts the reading of the others.
  const late = await oldDatabase.pool.connect()
  await late.query('begin')
  await late.query(`insert into xe_sync_event (id, tenant_id, site_id, entity_name, entity_id, action, modified_on)
    values ('evt_late', 1, 7, 'File', '100', 'Download', now())`)
  for (const id of [1, 2, 3]) await raise(oldEngine, id)
  await waitFor(() => seenBefore.length === 3, 'the events to be handled')
  const noted = (await oldEngine.subscriptions.list()).map(({ position }) => position)
  await oldEngine.stop()
  await late.query('commit')
  late.release()
  await raise(oldEngine, 4)

  await using newServer = await startPostgresServer()
  await using newDatabase = await postgresDatabase<object>(newServer.url)
  const logger = recordingLogger()
  await using engine = createEventEngine({ db: newDatabase.db, logger })
  await engine.migrate()
  await dumpAndRestore(oldDatabase, newDatabase)
  const seen = { quick: [] as unknown[], paused: [] as unknown[] }
  await engine.subscribe(into(seen.quick), quick)
  await engine.subscribe(into(seen.paused), paused)
  // Others in the cluster commit between the first statement of the adoption and the snapshot that it writes down.
  const reader = await newDatabase.pool.connect()
  await reader.query('begin')
  await reader.query('select from xe_subscription')
  const starting = engine.start()
  const waiting = async () =>
    (await newDatabase.pool.query(`select from pg_locks where not granted and mode = 'AccessExclusiveLock'`))
      .rowCount === 1
  await waitFor(waiting, 'the adoption to wait for its lock')
  for (let count = 0; count < 3; count++) await newDatabase.pool.query('select pg_current_xact_id()')
  await reader.query('commit')
  reader.release()
  await starting
  await engine.subscriptions.resume('paused')
  await raise(engine, 5)
  await waitFor(() => seen.quick.includes(5) && seen.paused.includes(5), 'the new event')

  expect(logger.messages).toContain(
    'The event log was restored from a dump; some events may be handled again',
  )
  // Handled out of sequence before, so repeated: 1 to 3 follow the late one in the sequence.
  expect(seen.quick).toEqual([100, 1, 2, 3, 4, 5])
  expect(seen.paused).toEqual([100, 1, 2, 3, 4, 5])

  // What was noted before the restore says nothing about the rows that there are now.
  expect(noted).toHaveLength(2)
  for (const position of noted) {
    await expect(engine.subscriptions.rewind('quick', position)).rejects.toMatchObject({
      code: 'invalid_position',
    })
  }
  const [{ position: present } = { position: '' }] = await engine.subscriptions.list()
  await engine.subscriptions.rewind('paused', present)
  // For transactions of other libraries, the database is the same.
  const client = await newDatabase.pool.connect()
  await client.query('begin')
  await engine.syncManager.addSyncEvent(site, EntityNames.File, 7, 'Download', { trx: fromPg(client) })
  await client.query('rollback')
  client.release()

  await engine.stop()
  await using again = createEventEngine({ db: newDatabase.db, logger })
  await again.subscribe(into(seen.quick), quick)
  await again.start()
  await raise(again, 6)
  await waitFor(() => seen.quick.includes(6), 'the event after another start')
  expect(seen.quick.length).toBe(7)
})
