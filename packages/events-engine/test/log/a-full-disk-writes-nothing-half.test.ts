import { EntityNames, type SyncEvent } from '@x/events-core'
import { temporaryFolder, waitFor } from '@x/testkit'
import Database from 'better-sqlite3'
import { Kysely, SqliteDialect } from 'kysely'
import { expect, it } from 'vitest'
import { createEventEngine } from '../../src/index.ts'
import { type HostTables, recordingLogger, site } from '../open-engine.ts'

async function openOnSmallDisk() {
  const resources = new AsyncDisposableStack()
  const folder = resources.use(await temporaryFolder())
  const database = new Database(`${folder.path}/host.db`)
  database.pragma('journal_mode = WAL')
  database.exec('create table page (pageId integer primary key, name text not null)')
  const db = new Kysely<HostTables>({ dialect: new SqliteDialect({ database }) })
  resources.defer(() => db.destroy())
  const logger = recordingLogger()
  const engine = createEventEngine({ db, leaseMs: 300, pollMaxMs: 20, logger })
  await engine.migrate()
  resources.defer(() => engine.stop())
  const pagesInUse = () => Number(database.pragma('page_count', { simple: true }))
  return {
    db,
    engine,
    logger,
    /** As the real thing: whatever needs another page of the file fails with SQLITE_FULL. */
    fill: () => database.pragma(`max_page_count = ${pagesInUse()}`),
    makeRoom: () => database.pragma('max_page_count = 1000000'),
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  }
}

/** Does not fit into a page that is there already. */
const large = 'x'.repeat(6_000)

it('refuses to raise with the error of the disk, writes neither row nor event, and goes on once there is room', async () => {
  await using host = await openOnSmallDisk()
  const { db, engine } = host
  const handled: unknown[] = []
  await engine.subscribe(
    { entityChanged: (event: SyncEvent) => void handled.push(event.entityId) },
    { name: 'each', mode: 'durable' },
  )
  await engine.start()
  const createPage = (pageId: number, name: string) =>
    engine.transaction(async ({ trx, raise }) => {
      await trx.insertInto('page').values({ pageId, name }).execute()
      await raise(site, EntityNames.Page, pageId, 'Create', { data: large as never })
    })
  await createPage(1, 'before')
  host.fill()
  // The row still fits into its page; the event does not fit anywhere.
  let refused = 0
  for (let pageId = 10; pageId < 20; pageId++) {
    await createPage(pageId, 'small').catch((error) => {
      expect(error).toMatchObject({ code: 'SQLITE_FULL' })
      refused += 1
    })
  }
  expect(refused).toBeGreaterThan(5)
  await expect(
    engine.syncManager.addSyncEvent(site, EntityNames.Page, 'alone', 'Update', {
      data: large.repeat(3) as never,
    }),
  ).rejects.toMatchObject({ code: 'SQLITE_FULL' })

  host.makeRoom()
  await createPage(2, 'after')
  await waitFor(() => handled.includes(2), 'the event after there is room')
  const rows = await db.selectFrom('page').select('pageId').orderBy('pageId').execute()
  expect(handled, 'events of the rows that are there, and no other').toEqual(
    expect.arrayContaining(rows.map(({ pageId }) => pageId)),
  )
  expect(new Set(handled).size).toBe(rows.length)
})

it('does not lose a failing event while there is no room to park it', async () => {
  await using host = await openOnSmallDisk()
  const { engine, logger } = host
  const handled: unknown[] = []
  await engine.subscribe(
    {
      entityChanged(event: SyncEvent) {
        if (event.entityId === 'bad') throw new Error(large)
        handled.push(event.entityId)
      },
    },
    { name: 'each', mode: 'durable', retry: { maxAttempts: 1 } },
  )
  await engine.syncManager.addSyncEvent(site, EntityNames.Page, 'none hears it', 'Update')
  await engine.start()
  host.fill()
  // Both fit into pages that are there; what is parked, with its long error, does not.
  await engine.syncManager.addSyncEvent(site, EntityNames.Page, 'bad', 'Update')
  await engine.syncManager.addSyncEvent(site, EntityNames.Page, 'good', 'Update')
  await waitFor(
    () => logger.messages.includes('The subscription was interrupted; trying again'),
    'parking to fail',
  )
  expect(await engine.subscriptions.parked('each')).toEqual([])

  host.makeRoom()
  await waitFor(() => handled.includes('good'), 'the next event')
  const [parked] = await engine.subscriptions.parked('each')
  expect(parked?.event.entityId).toBe('bad')
  expect(handled).toEqual(['good'])
})

it('lets a batch that finds no room leave nothing behind, and handles it once there is', async () => {
  await using host = await openOnSmallDisk()
  const { db, engine, logger } = host
  await engine.subscribe(
    {
      async entitiesChanged(events, { trx }) {
        for (const event of events) {
          await trx
            .insertInto('page')
            .values({ pageId: Number(event.entityId), name: large })
            .execute()
        }
      },
    },
    { name: 'batch', mode: 'durable', retry: { maxAttempts: 1_000, firstDelayMs: 1, maxDelayMs: 10 } },
  )
  await engine.start()
  host.fill()
  await Promise.all([1, 2, 3].map((id) => engine.syncManager.addSyncEvent(site, 'Page', id, 'Create')))
  await waitFor(
    () => logger.messages.includes('A subscriber failed; the event is tried again'),
    'the batch to find no room',
  )
  const [info] = await engine.subscriptions.list()
  expect(info?.lastError).toContain('full')
  const pageIds = async () =>
    (await db.selectFrom('page').select('pageId').execute()).map(({ pageId }) => pageId)
  expect(await pageIds()).toEqual([])

  host.makeRoom()
  await waitFor(async () => (await pageIds()).length === 3, 'the batch')
  expect(await pageIds()).toEqual([1, 2, 3])
  expect(await engine.subscriptions.parked('batch')).toEqual([])
})
