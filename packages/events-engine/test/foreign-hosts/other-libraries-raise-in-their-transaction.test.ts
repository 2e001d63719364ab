import { EntityNames, type SyncEvent, SyncEventActions } from '@x/events-core'
import { waitFor } from '@x/testkit'
import { postgresDatabase } from '@x/testkit/postgres'
import { describe, expect, it } from 'vitest'
import { createEventEngine } from '../../src/index.ts'
import { type HostTables, recordingLogger, site } from '../open-engine.ts'
import { openDrizzleHost, openDrizzleOnPostgresJsHost } from './drizzle-host.ts'
import type { ForeignWork, OpenForeignHost } from './foreign-host.ts'
import { openKnexHost } from './knex-host.ts'
import { openPgHost } from './pg-host.ts'
import { openPostgresJsHost } from './postgres-js-host.ts'
import { openPrismaHost } from './prisma-host.ts'

const libraries: readonly [string, OpenForeignHost][] = [
  ['pg', openPgHost],
  ['Drizzle', openDrizzleHost],
  ['Drizzle on postgres.js', openDrizzleOnPostgresJsHost],
  ['Knex', openKnexHost],
  ['Prisma', openPrismaHost],
  ['postgres.js', openPostgresJsHost],
]

/** An engine that would find events of others only after a minute, and a host of another library beside it. */
async function openBeside(openHost: OpenForeignHost) {
  const database = await postgresDatabase<HostTables>()
  const { db } = database
  await db.schema
    .createTable('page')
    .addColumn('pageId', 'integer', (column) => column.primaryKey())
    .addColumn('name', 'text', (column) => column.notNull())
    .execute()
  const logger = recordingLogger()
  const engine = createEventEngine({ db, logger, pollMaxMs: 60_000 })
  await engine.migrate()
  const events: SyncEvent[] = []
  await engine.subscribe(
    { entityChanged: (event) => void events.push(event) },
    { name: 'record', mode: 'durable' },
  )
  await engine.start()
  const host = openHost(database.url)

  return {
    engine,
    events,
    host,
    pageIds: async () =>
      (await db.selectFrom('page').select('pageId').orderBy('pageId').execute()).map(({ pageId }) => pageId),
    raise: ({ trx }: ForeignWork, pageId: number, data?: unknown) =>
      engine.syncManager.addSyncEvent(site, EntityNames.Page, pageId, SyncEventActions.Create, {
        trx,
        data: data as never,
      }),
    /** Everything raised until now was heard once this has been. */
    async settle() {
      const last = await engine.syncManager.addSyncEvent(site, EntityNames.Site, 7, SyncEventActions.Refresh)
      await waitFor(() => events.some(({ id }) => id === last.id), 'the last event')
      return events.filter(({ id }) => id !== last.id)
    },
    async [Symbol.asyncDispose]() {
      await host[Symbol.asyncDispose]()
      await engine.stop()
      await database[Symbol.asyncDispose]()
      expect(logger.messages).toEqual([])
    },
  }
}

describe.each(libraries)('a host on %s', (_library, openHost) => {
  it('commits an event with its row, and subscribers hear of it soon', async () => {
    await using beside = await openBeside(openHost)
    const { host, raise, events, pageIds } = beside
    let raised: SyncEvent | undefined

    await host.transaction(async (work) => {
      await work.insertPage(3, 'Home')
      raised = await raise(work, 3, { title: 'Is this "Home"? $1', sizes: [1, 2.5], none: null })
      expect(events).toEqual([])
    })

    await waitFor(() => events.length === 1, 'the event')
    expect(events).toEqual([raised])
    expect(await pageIds()).toEqual([3])
  })

  it('rolls an event back with its row', async () => {
    await using beside = await openBeside(openHost)
    const { host, raise, settle, pageIds } = beside

    const failing = host.transaction(async (work) => {
      await work.insertPage(3, 'Home')
      await raise(work, 3)
      throw new Error('changed my mind')
    })

    await expect(failing).rejects.toThrow('changed my mind')
    expect(await settle()).toEqual([])
    expect(await pageIds()).toEqual([])
  })

  it('rolls the events of a savepoint back alone', async () => {
    await using beside = await openBeside(openHost)
    const { host, raise, settle, pageIds } = beside

    await host.transaction(async (outer) => {
      await outer.insertPage(1, 'kept')
      await raise(outer, 1)
      const failing = outer.nested(async (inner) => {
        await inner.insertPage(2, 'given up')
        await raise(inner, 2)
        throw new Error('not this one')
      })
      await expect(failing).rejects.toThrow('not this one')
      await outer.nested(async (inner) => {
        await inner.insertPage(3, 'kept too')
        await raise(inner, 3)
      })
    })

    expect((await settle()).map(({ entityId }) => entityId)).toEqual([1, 3])
    expect(await pageIds()).toEqual([1, 3])
  })

  it('keeps its transaction when the event is refused', async () => {
    await using beside = await openBeside(openHost)
    const { host, raise, settle, pageIds } = beside

    await host.transaction(async (work) => {
      await work.insertPage(1, 'Home')
      await expect(raise(work, Number.NaN)).rejects.toMatchObject({ code: 'invalid_argument' })
    })

    expect(await settle()).toEqual([])
    expect(await pageIds()).toEqual([1])
  })

  it('is told when it is connected to a database with another event log, and may go on there', async () => {
    await using beside = await openBeside(openHost)
    await using other = await openBeside(openHost)

    await other.host.transaction(async (work) => {
      await work.insertPage(1, 'Home')
      await expect(beside.raise(work, 1)).rejects.toMatchObject({ code: 'wrong_database' })
    })

    expect(await other.pageIds()).toEqual([1])
    expect(await other.settle()).toEqual([])
    expect(await beside.settle()).toEqual([])
  })

  it('is told when it is connected to a database without an event log', async () => {
    await using beside = await openBeside(openHost)
    await using empty = await postgresDatabase<HostTables>()
    await using host = openHost(empty.url)

    const raising = host.transaction(async (work) => void (await beside.raise(work, 1)))

    await expect(raising).rejects.toMatchObject({ code: 'wrong_database', cause: expect.any(Error) })
  })
})
