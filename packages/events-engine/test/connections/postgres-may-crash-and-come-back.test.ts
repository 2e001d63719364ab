import { EntityNames, type SyncEvent } from '@x/events-core'
import { waitFor } from '@x/testkit'
import { type PostgresDatabase, postgresDatabase } from '@x/testkit/postgres'
import { type PostgresServer, startPostgresServer } from '@x/testkit/postgres-server'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { createEventEngine, type EventEngine } from '../../src/index.ts'
import { type HostTables, site } from '../open-engine.ts'

const OUTAGES = 3

// A server of its own: the one of the test run must not be stopped.
let server: PostgresServer
beforeAll(async () => {
  server = await startPostgresServer()
  // So that a crash finds something to forget: what nobody has waited for stays in memory that long.
  await using database = await postgresDatabase(server.url)
  for (const setting of [`wal_writer_delay = '10s'`, `wal_level = minimal`, `max_wal_senders = 0`]) {
    await database.pool.query(`alter system set ${setting}`)
  }
  await server.restart()
})
afterAll(() => server[Symbol.asyncDispose]())

async function openDatabase() {
  const database = await postgresDatabase<HostTables>(server.url)
  await database.pool.query('create table page ("pageId" integer not null, name text not null)')
  return database
}

const idsIn = async (database: PostgresDatabase<HostTables>, query: string) =>
  (await database.pool.query<{ id: string }>(query)).rows.map(({ id }) => id)
const allEvents = 'select id from xe_sync_event order by seq'

it('lets hosts go on by themselves, with nothing lost or skipped, when the server is stopped in mid-work', async ({
  annotate,
}) => {
  await using database = await openDatabase()
  const rejections: unknown[] = []
  const onRejection = (error: unknown) => void rejections.push(error)
  process.on('unhandledRejection', onRejection)
  const handled = { each: [] as string[], lanes: [] as string[] }
  const heard: string[][] = [[], []]
  const into = (list: string[]) => ({ entityChanged: (event: SyncEvent) => void list.push(event.id) })

  await using nodes = new AsyncDisposableStack()
  const engines: EventEngine<HostTables>[] = []
  for (const list of heard) {
    const { db, pool } = database.connect()
    const engine = createEventEngine({ db, postgres: { pool }, leaseMs: 900, pollMaxMs: 100 })
    if (engines.length === 0) await engine.migrate()
    await engine.subscribe(into(handled.each), { name: 'each', mode: 'durable' })
    await engine.subscribe(into(handled.lanes), { name: 'lanes', mode: 'durable', concurrency: 4 })
    await engine.subscribe(into(list), { name: 'cache', mode: 'broadcast' })
    await engine.subscribe(
      {
        async entitiesChanged(events, { trx }) {
          const rows = events.map((event) => ({ pageId: Number(event.entityId), name: `batch ${event.id}` }))
          await trx.insertInto('page').values(rows).execute()
        },
      },
      { name: 'batch', mode: 'durable', batchSize: 10 },
    )
    nodes.use(engine)
    engines.push(engine)
  }
  for (const engine of engines) await engine.start()

  let raising = true
  let refused = 0
  let acknowledged = 0
  const raiseOn = async (engine: EventEngine<HostTables>) => {
    for (let pageId = 0; raising; pageId++) {
      try {
        await engine.transaction(async ({ trx, raise }) => {
          const event = await raise(site, EntityNames.Page, pageId, 'Update')
          await trx.insertInto('page').values({ pageId, name: event.id }).execute()
          if (pageId % 10 === 9) throw new Error('taken back')
        })
        acknowledged += 1
      } catch (error) {
        expect(error).toBeInstanceOf(Error)
        if ((error as Error).message === 'taken back') continue
        refused += 1
        await new Promise((resolve) => setTimeout(resolve, 5))
        await engine.syncManager.addSyncEvent(site, EntityNames.Page, -1, 'Refresh').catch(() => {})
      }
    }
  }
  const raisers = engines.map(raiseOn)
  try {
    for (let outage = 0; outage < OUTAGES; outage++) {
      const before = acknowledged
      await waitFor(() => acknowledged > before + 50, 'some events to be raised')
      await server.kill()
      const refusedBefore = refused
      await waitFor(() => refused > refusedBefore + 4, 'raising to be refused')
      await server.restart()
    }
    const before = acknowledged
    await waitFor(() => acknowledged > before + 50, 'raising to go on')
  } finally {
    raising = false
    await Promise.all(raisers)
  }

  const events = await idsIn(database, allEvents)
  const known = new Set(events)
  await waitFor(async () => {
    const batch = await idsIn(database, `select name as id from page where name like 'batch %'`)
    const lists = [handled.each, handled.lanes, ...heard]
    return batch.length >= events.length && lists.every((list) => events.every((id) => list.includes(id)))
  }, 'every event to be handled and heard')
  const listening = `select pid::text as id from pg_stat_activity
    where datname = current_database() and (query like 'listen %' or query = 'select 1')`
  // Every 5 s, a node checks its listening connection by 'select 1'.
  await waitFor(async () => (await idsIn(database, listening)).length === 2, 'both nodes to listen again')
  process.off('unhandledRejection', onRejection)

  const repeats = (list: readonly string[]) => list.length - new Set(list).size
  const counts = `${events.length} events, ${OUTAGES} outages, ${refused} raises refused; repeated: each ${repeats(handled.each)}, lanes ${repeats(handled.lanes)}`
  await annotate(counts)
  expect(rejections).toEqual([])
  for (const list of [handled.each, handled.lanes]) expect(new Set(list), counts).toEqual(known)
  for (const list of heard) {
    expect(new Set(list)).toEqual(known)
    expect(repeats(list), 'a broadcast is repeated to nobody').toBe(0)
  }
  const rows = await idsIn(database, `select name as id from page where name not like 'batch %' order by 1`)
  const alone = await idsIn(database, `select id from xe_sync_event where action = 'Refresh'`)
  expect([...rows, ...alone].sort(), 'events come with their rows').toEqual([...events].sort())
  const batch = await idsIn(database, `select substr(name, 7) as id from page where name like 'batch %'`)
  expect(batch.sort(), 'one row of the batch for each event').toEqual([...events].sort())
  for (const list of [handled.each, handled.lanes])
    expect(repeats(list), counts).toBeLessThan(OUTAGES * 1_000)
})

it('hands out events whose transactions have ids that were given out before the crash', async () => {
  await using database = await openDatabase()
  await using engine = createEventEngine({ db: database.db, postgres: { pool: database.pool } })
  await engine.migrate()
  const add = (id: string) => engine.syncManager.addSyncEvent(site, EntityNames.Page, id, 'Update')
  const nextXid = async () => {
    const { rows } = await database.pool.query('select pg_snapshot_xmax(pg_current_snapshot())::text as xid')
    return BigInt(rows[0]?.xid)
  }
  const heard: unknown[] = []
  const gate = Promise.withResolvers<void>()
  await engine.subscribe(
    {
      async entityChanged(event) {
        heard.push(event.entityId)
        await gate.promise
      },
    },
    { name: 'cache', mode: 'broadcast' },
  )
  await engine.start()
  await add('held')
  await waitFor(() => heard.length === 1, 'the reader to be held')
  await add('before')
  // Nobody waits until what is taken back is on disk: only the log writer would see to it, now and then.
  for (let index = 0; index < 20; index++) {
    const takenBack = engine.transaction(async ({ raise }) => {
      await raise(site, EntityNames.Page, 'taken back', 'Update')
      throw new Error('taken back')
    })
    await expect(takenBack).rejects.toThrow('taken back')
  }
  const before = await nextXid()
  const heardLate: unknown[] = []
  await engine.subscribe(
    { entityChanged: (event: SyncEvent) => void heardLate.push(event.entityId) },
    { name: 'late', mode: 'broadcast' },
  )
  // What the readers know from now on, they know in the presence of those transactions.
  gate.resolve()
  await waitFor(() => heard.length === 2, 'the event before the crash')
  await server.kill()
  await server.restart()
  expect(await nextXid(), 'the server gives the same ids out again').toBeLessThan(before)

  await add('after')
  await waitFor(() => heard.length === 3 && heardLate.length === 1, 'the event after the crash')
  expect(heard).toEqual(['held', 'before', 'after'])
  expect(heardLate).toEqual(['after'])
})

it('stops while the server is away, does not start then, and goes on where it was once it may', async () => {
  await using database = await openDatabase()
  await using engine = createEventEngine({ db: database.db, postgres: { pool: database.pool }, leaseMs: 600 })
  await engine.migrate()
  const handled: unknown[] = []
  await engine.subscribe(
    { entityChanged: (event: SyncEvent) => void handled.push(event.entityId) },
    { name: 'each', mode: 'durable' },
  )
  await engine.start()
  await engine.syncManager.addSyncEvent(site, EntityNames.Page, 1, 'Update')
  await waitFor(() => handled.length === 1, 'the event')
  await server.kill()
  try {
    await engine.stop()
    await expect(engine.start()).rejects.toThrow(/ECONNREFUSED|terminated|ECONNRESET/)
    await expect(engine.syncManager.addSyncEvent(site, EntityNames.Page, 2, 'Update')).rejects.toThrow()
  } finally {
    await server.restart()
  }
  await engine.syncManager.addSyncEvent(site, EntityNames.Page, 3, 'Update')
  await engine.start()
  await waitFor(() => handled.includes(3), 'the event raised while nothing ran')
  // The position of the first one could not be saved any more: at least once.
  expect(new Set(handled)).toEqual(new Set([1, 3]))
})
