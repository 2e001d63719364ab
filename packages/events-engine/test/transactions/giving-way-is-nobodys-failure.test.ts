import { EntityNames } from '@x/events-core'
import { waitFor } from '@x/testkit'
import { postgresDatabase } from '@x/testkit/postgres'
import { CompiledQuery } from 'kysely'
import { describe, expect, it } from 'vitest'
import { createEventEngine, type EventSubscriber } from '../../src/index.ts'
import { type HostTables, onEachDatabase, recordingLogger, site } from '../open-engine.ts'

const upTo = (count: number) => Array.from({ length: count }, (_, index) => index)

/** A database with defaults of its own, and a migrated engine on it. */
async function openWith(defaults: Readonly<Record<string, string>>, options: object = {}) {
  const database = await postgresDatabase<HostTables & { tally: { id: number; count: number } }>()
  const name = new URL(database.url).pathname.slice(1)
  for (const [setting, value] of Object.entries(defaults)) {
    await database.pool.query(`alter database ${name} set ${setting} = '${value}'`)
  }
  await database.pool.query('create table tally (id integer primary key, count integer not null)')
  await database.pool.query('insert into tally values (1, 0)')
  const { db, pool } = database.connect()
  const engine = createEventEngine({ db, postgres: { pool }, pollMaxMs: 50, ...options })
  return {
    database,
    db,
    pool,
    engine,
    async [Symbol.asyncDispose]() {
      await engine.stop()
      await database[Symbol.asyncDispose]()
    },
  }
}

describe.each(['repeatable read', 'serializable'])(
  'a database whose transactions are %s by default',
  (level) => {
    it('lets subscriptions of every kind work side by side without a failed try', async () => {
      const logger = recordingLogger()
      await using host = await openWith({ default_transaction_isolation: level }, { logger })
      const { db, engine } = host
      await engine.migrate()
      const attempts: number[] = []
      let batched = 0
      await engine.subscribe(
        { entityChanged: (_, { attempt }) => void attempts.push(attempt) },
        { name: 'alone', mode: 'durable' },
      )
      await engine.subscribe(
        { entityChanged: (_, { attempt }) => void attempts.push(attempt) },
        { name: 'by-keys', mode: 'durable', concurrency: 8 },
      )
      await engine.subscribe(
        {
          async entitiesChanged(events, { attempt, trx }) {
            attempts.push(...events.map(() => attempt))
            // A row that others change all the time.
            await trx
              .updateTable('tally')
              .set(({ eb }) => ({ count: eb('count', '+', events.length) }))
              .execute()
            const { rows } = await trx.executeQuery<{ level: string }>(
              CompiledQuery.raw(`select current_setting('transaction_isolation') as level`) as never,
            )
            expect(rows).toEqual([{ level: 'read committed' }])
            batched += events.length
          },
        },
        { name: 'batches', mode: 'durable', batchSize: 5 },
      )
      await engine.start()
      let levelOfHost: unknown
      const hostWork = upTo(60).map(async (id) => {
        await engine.syncManager.addSyncEvent(site, EntityNames.File, id, 'Download')
        // The host's own transactions have the host's own level, and the host tries again.
        for (let done = false; !done; ) {
          done = await engine
            .transaction(async ({ trx, raise }) => {
              await raise(site, EntityNames.Page, id, 'Update')
              const shown = CompiledQuery.raw(`select current_setting('transaction_isolation') as level`)
              levelOfHost = (await trx.executeQuery(shown)).rows[0]
              await trx
                .updateTable('tally')
                .set(({ eb }) => ({ count: eb('count', '+', 1) }))
                .execute()
              return true
            })
            .catch((error: { code?: string }) => {
              expect(error.code).toBe('40001')
              return false
            })
        }
      })
      await Promise.all(hostWork)
      await waitFor(() => attempts.length >= 360 && batched >= 120, 'all events')
      expect(levelOfHost).toEqual({ level })
      // The transaction of the last batch commits after its events were handled.
      await waitFor(async () => {
        const { subscriptions } = await engine.stats()
        return subscriptions.every(({ lagEvents }) => lagEvents === 0)
      }, 'every position to be saved')
      const { count } = await db.selectFrom('tally').select('count').executeTakeFirstOrThrow()
      expect(count).toBe(180)
      expect(new Set(attempts)).toEqual(new Set([1]))
      const stats = await engine.stats()
      expect(stats).toMatchObject({ failed: 0, parked: 0 })
      expect(logger.messages.filter((one) => /fail|interrupted/.test(one))).toEqual([])
    })

    it('lets people change subscriptions, retention delete, and captures be made', async () => {
      await using host = await openWith(
        { default_transaction_isolation: level },
        { retention: { keepMs: 0, intervalMs: 20 } },
      )
      const { engine } = host
      await engine.migrate()
      await engine.subscribe({ entityChanged() {} }, { name: 'files', mode: 'durable' })
      await engine.start()
      await Promise.all(
        upTo(20).map(async (id) => {
          await engine.syncManager.addSyncEvent(site, EntityNames.File, id, 'Download')
          await engine.subscriptions.pause('files')
          await engine.subscriptions.resume('files')
          await engine.captureTable({ table: 'tally', entityName: 'Page', entityId: 'id', tenantId: 1 })
        }),
      )
      await waitFor(
        async () => (await host.pool.query('select from xe_sync_event')).rowCount === 0,
        'the retention',
      )
    })
  },
)

onEachDatabase((open, dialect) => {
  const codes =
    dialect === 'sqlite' ? ['SQLITE_BUSY', 'SQLITE_BUSY_SNAPSHOT'] : ['40001', '40P01', '55P03', 'P2034']
  const conflict = (call: number) => {
    const cause = Object.assign(new Error('gave way'), { code: codes[call % codes.length] })
    return call % 2 === 0 ? cause : new Error('wrapped', { cause: new Error('twice', { cause }) })
  }

  const kinds = (
    call: (attempt: number) => void,
  ): readonly (readonly [string, EventSubscriber<HostTables>, object])[] => [
    ['alone', { entityChanged: (_, { attempt }) => call(attempt) }, {}],
    ['by keys', { entityChanged: (_, { attempt }) => call(attempt) }, { concurrency: 4 }],
    ['in a batch', { entitiesChanged: (_, { attempt }) => call(attempt) }, {}],
    ['while a batch is prepared', { prepare: (_, { attempt }) => call(attempt), entitiesChanged() {} }, {}],
  ]

  it.each(kinds(() => {}).map(([name]) => name))(
    'does not count the tries that gave way, %s',
    async (name) => {
      await using host = await open()
      const attempts: number[] = []
      const call = (attempt: number) => {
        attempts.push(attempt)
        if (attempts.length <= 5) throw conflict(attempts.length)
      }
      const [, subscriber, options] = kinds(call).find((one) => one[0] === name) as ReturnType<
        typeof kinds
      >[0]
      await host.engine.subscribe(subscriber, {
        name: 'files',
        mode: 'durable',
        retry: { maxAttempts: 1 },
        ...options,
      })
      await host.engine.start()
      await host.engine.syncManager.addSyncEvent(site, EntityNames.File, 1, 'Download')
      await waitFor(async () => (await host.engine.stats()).handled === 1, 'the event')
      expect(attempts).toEqual([1, 1, 1, 1, 1, 1])
      expect(await host.engine.stats()).toMatchObject({ failed: 0, parked: 0 })
    },
  )

  it.each(kinds(() => {}).map(([name]) => name))(
    'parks what always gives way, also once it is resumed, %s',
    async (name) => {
      await using host = await open()
      let calls = 0
      const call = () => {
        throw conflict(calls++)
      }
      const [, subscriber, options] = kinds(call).find((one) => one[0] === name) as ReturnType<
        typeof kinds
      >[0]
      const retry = { maxAttempts: 2, firstDelayMs: 0, maxDelayMs: 0 }
      await host.engine.subscribe(subscriber, { name: 'files', mode: 'durable', retry, ...options })
      await host.engine.start()
      await host.engine.syncManager.addSyncEvent(site, EntityNames.File, 1, 'Download')
      const parkedAfter = (attempts: number) =>
        waitFor(
          async () => (await host.engine.subscriptions.parked('files'))[0]?.attempts === attempts,
          `it to be parked after ${attempts} tries`,
        )
      await parkedAfter(2)
      expect(calls).toBe(12)
      await host.engine.subscriptions.resume('files')
      await parkedAfter(3)
      expect(calls).toBe(23)
    },
  )
})

it('counts nothing against a batch whose own statement cannot be made in time', async () => {
  await using host = await openWith({ lock_timeout: '50ms', statement_timeout: '300ms' })
  const { engine, pool } = host
  await engine.migrate()
  const attempts: number[] = []
  await engine.subscribe(
    { entitiesChanged: (_, { attempt }) => void attempts.push(attempt) },
    { name: 'files', mode: 'durable', retry: { maxAttempts: 1 } },
  )
  await engine.start()
  await waitFor(async () => (await engine.subscriptions.list())[0]?.leasedBy, 'the lease')
  const blocker = await pool.connect()
  await blocker.query('begin')
  await blocker.query(`select from xe_subscription for update`)
  await engine.syncManager.addSyncEvent(site, EntityNames.File, 1, 'Download')
  // Longer than several of the limits.
  for (let waited = 0; waited < 5; waited++) await blocker.query('select pg_sleep(0.2)')
  await blocker.query('rollback')
  blocker.release()
  await waitFor(() => attempts.length > 0, 'the event')
  expect(attempts).toEqual([1])
  expect(await engine.stats()).toMatchObject({ failed: 0, parked: 0 })
})

it('gives way in a real deadlock with the host, and handles the event then', async () => {
  await using host = await openWith({ deadlock_timeout: '20ms' })
  const { engine, db } = host
  await host.database.pool.query('insert into tally values (2, 0)')
  await engine.migrate()
  const locked = Promise.withResolvers<void>()
  const wanted = Promise.withResolvers<void>()
  const attempts: number[] = []
  const add = (trx: typeof db, id: number) =>
    trx
      .updateTable('tally')
      .set(({ eb }) => ({ count: eb('count', '+', 1) }))
      .where('id', '=', id)
      .execute()
  await engine.subscribe(
    {
      async entitiesChanged(_, { attempt, trx }) {
        attempts.push(attempt)
        await add(trx, 1)
        locked.resolve()
        if (attempts.length === 1) await wanted.promise
        await add(trx, 2)
      },
    },
    { name: 'tally', mode: 'durable', retry: { maxAttempts: 1 } },
  )
  await engine.start()
  await engine.syncManager.addSyncEvent(site, EntityNames.File, 1, 'Download')
  await locked.promise
  const hosts = db.transaction().execute(async (trx) => {
    await trx.executeQuery(CompiledQuery.raw(`set local deadlock_timeout = '10s'`))
    await add(trx, 2)
    wanted.resolve()
    await add(trx, 1)
  })
  await hosts
  await waitFor(async () => (await engine.stats()).handled === 1, 'the event')
  expect(attempts).toEqual([1, 1])
  expect(await engine.stats()).toMatchObject({ failed: 0, parked: 0 })
})

it('says at once that a database is read only', async () => {
  await using host = await openWith({})
  await host.engine.migrate()
  const name = new URL(host.database.url).pathname.slice(1)
  await host.database.pool.query(`alter database ${name} set default_transaction_read_only = on`)
  const { db } = host.database.connect()
  const engine = createEventEngine({ db })
  await expect(engine.start()).rejects.toMatchObject({ code: 'read_only_database' })
  await expect(engine.migrate()).rejects.toMatchObject({ code: 'read_only_database' })
})
