import { waitFor } from '@x/testkit'
import { type PostgresDatabase, postgresDatabase } from '@x/testkit/postgres'
import { type Kysely, sql } from 'kysely'
import type { Pool, PoolClient } from 'pg'
import { expect, it } from 'vitest'
import { createEventEngine, type EventEngineOptions } from '../../src/index.ts'
import { recordingLogger, site } from '../open-engine.ts'

type PostgresOptions = NonNullable<EventEngineOptions<object>['postgres']>

/** Short, where waits are to end. */
const limits = { leaseMs: 2_000, databaseTimeoutMs: 1_000, pollMaxMs: 100 }
/** Where everything is to work, also on a busy machine. */
const patient = { ...limits, databaseTimeoutMs: 4_000 }

/** Raising, a query of the host's, a subscription and `stop()`, on one pool. */
async function expectToWork(
  database: PostgresDatabase<object>,
  db: Kysely<object>,
  postgres: PostgresOptions,
  isWarned: boolean,
): Promise<void> {
  const logger = recordingLogger()
  const engine = createEventEngine({ db, postgres, logger, ...patient })
  await engine.migrate()
  const handled: unknown[] = []
  await engine.subscribe(
    {
      async entitiesChanged(events, { trx }) {
        await sql`select 1`.execute(trx)
        handled.push(...events.map(({ entityId }) => entityId))
      },
    },
    { name: 'all', mode: 'durable' },
  )
  await engine.start()
  for (let round = 0; round < 5; round++) {
    await engine.syncManager.addSyncEvent(site, 'File', `alone ${round}`, 'Update')
    await engine.transaction(async ({ raise, trx }) => {
      await sql`select 1`.execute(trx)
      await raise(site, 'File', `in a transaction ${round}`, 'Update')
    })
    await sql`select 1`.execute(db)
  }
  // Raised by another node, which notifies: found by polling if in no other way.
  await using other = createEventEngine({ db: database.db, postgres: { pool: database.pool } })
  await other.start()
  await other.syncManager.addSyncEvent(site, 'File', 'of another node', 'Update')
  await waitFor(() => handled.length === 11, 'all events')
  await engine.stop()
  await sql`select 1`.execute(db)
  const warnings = logger.messages.filter((message) => /polling/.test(message))
  expect(warnings).toHaveLength(isWarned ? 1 : 0)
}

it('works on a pool of one, without listening, and says so once', async () => {
  await using database = await postgresDatabase<object>()
  const { pool, db } = database.connect({ max: 1 })
  await expectToWork(database, db, { pool }, true)
})

it('works on a pool of one without a warning where the host has chosen, or has another pool to listen on', async () => {
  await using database = await postgresDatabase<object>()
  const { pool, db } = database.connect({ max: 1 })
  await expectToWork(database, db, { pool, listen: false }, false)
  await expectToWork(database, db, { pool, listen: database.connect({ max: 1 }).pool }, false)
})

it('works on a pool of two', async () => {
  await using database = await postgresDatabase<object>()
  const { pool, db } = database.connect({ max: 2 })
  await expectToWork(database, db, { pool }, false)
})

it('gives the connection back that listens when a pool of unknown size has no other', async () => {
  await using database = await postgresDatabase<object>()
  const { pool, db } = database.connect({ max: 1 })
  // As other libraries, and wrappers, have it: no options, no counts, no events.
  const wrapped = { connect: () => pool.connect() as Promise<PoolClient> }
  await expectToWork(database, db, { pool: wrapped }, true)
})

it('ends each of its waits while the host holds every connection, and goes on afterwards', async () => {
  await using database = await postgresDatabase<object>()
  const { pool, db } = database.connect({ max: 3 })
  const logger = recordingLogger()
  const engine = createEventEngine({ db, postgres: { pool }, logger, ...limits })
  await engine.migrate()
  const handled: unknown[] = []
  await engine.subscribe(
    { entityChanged: ({ entityId }) => void handled.push(entityId) },
    { name: 'all', mode: 'durable' },
  )
  await engine.start()
  await waitFor(() => pool.totalCount > 0 && pool.waitingCount === 0, 'it to be at rest')
  const held = await takeAll(pool)
  await expect(engine.syncManager.addSyncEvent(site, 'File', 1, 'Update')).rejects.toMatchObject({
    code: 'no_connection',
    message: expect.stringContaining("Raise the pool's max"),
  })
  await engine.stop()
  await engine.start().catch(() => {})
  for (const client of held) client.release()
  await engine.start()
  await engine.syncManager.addSyncEvent(site, 'File', 2, 'Update')
  await waitFor(() => handled.length > 0, 'work to go on')
  await engine.stop()
})

/** The one that listens is given back when others want it. */
async function takeAll(pool: Pool): Promise<PoolClient[]> {
  const taken: PoolClient[] = []
  for (let count = 0; count < 3; count++) taken.push(await pool.connect())
  return taken
}

it('names what is no pool', async () => {
  await using database = await postgresDatabase<object>()
  const { db } = database
  const create = (postgres: object) => () => createEventEngine({ db, postgres: postgres as never })
  expect(create({})).toThrow('options.postgres.pool')
  expect(create({ pool: 'postgres://localhost' })).toThrow('options.postgres.pool')
  expect(create({ pool: database.pool, listen: {} })).toThrow('options.postgres.listen')
})
