import { silencingProxy, waitFor } from '@x/testkit'
import { postgresDatabase } from '@x/testkit/postgres'
import { sql } from 'kysely'
import { expect, it } from 'vitest'
import { createEventEngine } from '../../src/index.ts'
import { internalsOf } from '../../src/internal.ts'
import { recordingLogger, site } from '../open-engine.ts'

/** Shorter than what is slow here by far: what is silent would be given up. */
const limits = { leaseMs: 2_000, databaseTimeoutMs: 1_000 }

it('waits for a batch whose statement takes long, and for a subscriber that does', async () => {
  await using database = await postgresDatabase<object>()
  const { db, postgres } = { db: database.db, postgres: { pool: database.pool } }
  const logger = recordingLogger()
  await using engine = createEventEngine({ db, postgres, logger, ...limits })
  await engine.migrate()
  let calls = 0
  let done = 0
  await engine.subscribe(
    {
      async entitiesChanged(events, { trx }) {
        calls += 1
        await sql`select pg_sleep(5)`.execute(trx)
        await new Promise((resolve) => setTimeout(resolve, 5_000))
        done += events.length
      },
    },
    { name: 'slow', mode: 'durable', timeoutMs: 60_000 },
  )
  await engine.start()
  await engine.syncManager.addSyncEvent(site, 'File', 1, 'Update')
  await waitFor(() => done === 1, 'the slow batch')
  await engine.syncManager.addSyncEvent(site, 'File', 2, 'Update')
  await waitFor(() => done === 2, 'the next one')
  expect(calls).toBe(2)
  expect(logger.messages.filter((message) => /stopped answering|interrupted|lease/.test(message))).toEqual([])
})

it('waits for a statement of its own while the server works on it, or waits for a lock', async () => {
  await using database = await postgresDatabase<object>()
  const elsewhere = database.connect()
  await using engine = createEventEngine({
    db: database.db,
    postgres: { pool: database.pool },
    ...limits,
  })
  await engine.migrate()
  const locked = elsewhere.db.transaction().execute(async (trx) => {
    await sql`lock table xe_sync_event in access exclusive mode`.execute(trx)
    await sql`select pg_sleep(5)`.execute(trx)
  })
  await waitFor(
    async () =>
      (
        await database.pool.query(
          `select from pg_stat_activity where datname = current_database() and query = 'select pg_sleep(5)' and state = 'active'`,
        )
      ).rowCount === 1,
    'the lock',
  )
  const event = await engine.syncManager.addSyncEvent(site, 'File', 1, 'Update')
  await locked
  expect(event.id).toMatch(/^evt_/)
})

it('gives up what it cannot ask about', async () => {
  await using database = await postgresDatabase<object>()
  // Without the pool, nobody can tell a slow statement from a silent connection.
  await using engine = createEventEngine({ db: database.db, ...limits })
  await engine.migrate()
  // A statement that is no one of ours, as a migration's may be.
  await sql`select pg_sleep(3)`.execute(internalsOf(engine).database.db)
  const isLocked = database.db.transaction().execute(async (trx) => {
    await sql`lock table xe_sync_event in access exclusive mode`.execute(trx)
    await sql`select pg_sleep(6)`.execute(trx)
  })
  await waitFor(
    async () =>
      (
        await database.pool.query(
          `select from pg_locks join pg_database on oid = database
          where datname = current_database() and mode = 'AccessExclusiveLock' and granted`,
        )
      ).rowCount === 1,
    'the lock',
  )
  await expect(engine.syncManager.addSyncEvent(site, 'File', 1, 'Update')).rejects.toMatchObject({
    code: 'database_silent',
  })
  await isLocked
})

it('ends every wait when new connections hang as well, stops, and goes on when the network is back', async () => {
  await using database = await postgresDatabase<object>()
  await using proxy = await silencingProxy(database.url)
  const { pool, db } = database.connect({ url: proxy.url, max: 5 })
  const logger = recordingLogger()
  const engine = createEventEngine({ db, postgres: { pool }, logger, ...limits, pollMaxMs: 100 })
  await engine.migrate()
  const seen: unknown[] = []
  await engine.subscribe(
    { entityChanged: ({ entityId }) => void seen.push(entityId) },
    { name: 'all', mode: 'durable' },
  )
  await engine.start()
  await using raiser = createEventEngine({ db: database.db })
  await raiser.syncManager.addSyncEvent(site, 'File', 1, 'Update')
  await waitFor(() => seen.length === 1, 'the first event')

  proxy.takesNew = false
  proxy.silence()
  await raiser.syncManager.addSyncEvent(site, 'File', 2, 'Update')
  await expect(engine.syncManager.addSyncEvent(site, 'File', 3, 'Update')).rejects.toThrow()
  // Long enough for every place in the pool to be taken by a connection that comes to nothing.
  await waitFor(() => proxy.connections.length > 20, 'many attempts to connect')
  expect(seen).not.toContain(2)
  expect(logger.messages.join('\n')).toMatch(/stopped answering/)

  proxy.takesNew = true
  await waitFor(() => seen.includes(2), 'work to go on')

  proxy.takesNew = false
  proxy.silence()
  await engine.stop()
}, 240_000)
