import { randomBytes } from 'node:crypto'
import { EntityNames, type SyncEvent, systemClock } from '@x/events-core'
import { waitFor } from '@x/testkit'
import type { Driver, DriverDatabase } from '@x/testkit/drivers'
import { type Kysely, sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createEventEngine, EventEngineError } from '../../src/index.ts'
import {
  FIRST_AFTER_FENCE,
  findsRow,
  internalsOf,
  isMigrated,
  isRefusal,
  sqlDialectOf,
} from '../../src/internal.ts'
import { rowOf } from '../../src/store/event-row.ts'
import type { EventStore } from '../../src/store/event-store.ts'
import { openEventStore } from '../../src/store/event-store.ts'
import { createGivenPositions } from '../../src/store/given-positions.ts'
import type { SubscriptionLease } from '../../src/store/leases.ts'
import type { Position } from '../../src/store/position.ts'
import type { Fence } from '../../src/store/save-position.ts'
import { tableNames } from '../../src/store/table-names.ts'
import { recordingLogger, site } from '../open-engine.ts'

interface Tables {
  page: { page_id: number; name: string }
}

// Read apart: one that databases compress, and one that they cannot.
const large = ['Ä'.repeat(50_000), randomBytes(50_000).toString('base64')]
const data = { text: 'Ä "\\" \u2028', nested: [{ total: 12.5, none: null, yes: true }], big: 2 ** 40 }

// PGlite is compiled first.
const OPENING_MS = 120_000

/** What the engine does for hosts, and each method of its store, through one driver. */
export function engineContract(driver: Driver): void {
  describe(driver.name, () => {
    let database: DriverDatabase<Tables>
    beforeAll(async () => {
      database = await driver.open<Tables>()
      await database.db.schema
        .createTable('page')
        .addColumn('page_id', 'integer', (column) => column.primaryKey())
        .addColumn('name', 'text', (column) => column.notNull())
        .execute()
    }, OPENING_MS)
    afterAll(() => database[Symbol.asyncDispose]())

    /** An engine on tables of its own. */
    async function open(tablePrefix: string, options = {}) {
      const engine = createEventEngine({ db: database.db, pollMaxMs: 50, tablePrefix, ...options })
      await engine.migrate()
      return engine
    }

    const ids = (events: readonly SyncEvent[]) => events.map(({ entityId }) => entityId)

    it('hands on what is raised alone, in a transaction and in a transaction of the host, whole', async () => {
      await using engine = await open('raise_')
      const events: SyncEvent[] = []
      await engine.subscribe(
        { entityChanged: (event) => void events.push(event) },
        { name: 'record', mode: 'durable' },
      )
      await engine.start()
      const { syncManager } = engine
      const alone = await syncManager.addSyncEvent(site, EntityNames.File, 7, 'Download', { data })
      const ofText = await syncManager.addSyncEvent(
        { tenantId: 2 ** 45, siteId: -1 },
        'File',
        '7',
        'Update',
        {
          data: 'text',
        },
      )
      const raised = await engine.transaction(({ raise }) =>
        raise(site, EntityNames.Page, 1, 'Create', { data }),
      )
      const joined = await database.db.transaction().execute(async (trx) => {
        await trx.insertInto('page').values({ page_id: 1, name: 'Home' }).execute()
        return syncManager.addSyncEvent(site, EntityNames.Page, 2, 'Create', { trx, data: [1, 2] })
      })
      const none = await syncManager.addSyncEvent(site, EntityNames.Page, 3, 'Delete', { data: null })
      const ofLarge = await engine.transaction(async ({ raise }) => [
        await raise(site, EntityNames.Page, 4, 'Update', { data: large[0] }),
        await raise(site, EntityNames.Page, 5, 'Update', { data: large[1] }),
        await raise(site, EntityNames.Page, 6, 'Update', { data }),
      ])
      await waitFor(() => events.length === 8, 'the events')
      expect(events).toEqual([alone, ofText, raised, joined, none, ...ofLarge])
    })

    it('feeds, lists and counts them, and goes on at a position', async () => {
      await using engine = await open('feed_')
      await engine.subscribe({ entityChanged() {} }, { name: 'idle', mode: 'durable' })
      await engine.start()
      const since = new Date(Date.now() - 60_000)
      await Promise.all(
        [1, 2, 3].map((id) =>
          engine.syncManager.addSyncEvent(site, EntityNames.File, id, 'Refresh', { data }),
        ),
      )
      const stop = new AbortController()
      const read = async (after: string | undefined, count: number) => {
        const items = []
        for await (const item of engine.feed({ tenantId: 1, after, signal: stop.signal })) {
          if (items.push(item) === count) break
        }
        return items
      }
      const start = await firstPosition(engine)
      const all = await read(start, 3)
      expect(all.map(({ event }) => event.data)).toEqual([data, data, data])
      expect(ids((await read(all[0]?.position, 2)).map(({ event }) => event))).toEqual([2, 3])
      expect(ids(await engine.syncManager.getSyncEvents(1, since))).toEqual([1, 2, 3])
      await waitFor(async () => (await engine.stats()).subscriptions[0]?.lagEvents === 0, 'no lag')
    })

    it('runs batches and partitions, parks what fails and tries it again', async () => {
      await using engine = await open('work_')
      const written: SyncEvent[] = []
      const partitioned: unknown[] = []
      let broken = true
      await engine.subscribe(
        {
          async entitiesChanged(events, { trx }) {
            await trx
              .insertInto('page')
              .values(events.map((event) => ({ page_id: 100 + Number(event.entityId), name: event.id })))
              .execute()
            written.push(...events)
          },
        },
        { name: 'batch', mode: 'durable', batchSize: 2, retry: { firstDelayMs: 1 } },
      )
      await engine.subscribe(
        {
          entityChanged(event) {
            if (event.entityId === 2 && broken) throw new Error('broken')
            partitioned.push(event.entityId)
          },
        },
        { name: 'partition', mode: 'durable', concurrency: 4, retry: { maxAttempts: 2, firstDelayMs: 1 } },
      )
      await engine.start()
      for (const id of [1, 2, 3, 4]) {
        await engine.syncManager.addSyncEvent(site, EntityNames.File, id, 'Update', { data })
      }
      const { subscriptions } = engine
      await waitFor(async () => (await subscriptions.parked('partition')).length === 1, 'the parked event')
      await waitFor(async () => (await rows(database.db, 'page_id > 100')).length === 4, 'the batches')
      const [parked] = await subscriptions.parked('partition')
      expect(parked).toMatchObject({
        event: { entityId: 2, data },
        attempts: 2,
        error: expect.stringContaining('broken'),
      })
      broken = false
      await subscriptions.resume('partition')
      await waitFor(() => partitioned.length === 4, 'the resumed event')
      await subscriptions.pause('partition')
      await engine.syncManager.addSyncEvent(site, EntityNames.File, 5, 'Update')
      expect(await subscriptions.skip('partition')).toMatchObject({ entityId: 5 })
      await subscriptions.rewind('partition', 'start')
      await subscriptions.resume('partition')
      await waitFor(() => partitioned.length === 9, 'the events from the start')
      await subscriptions.pause('batch')
    })

    it('captures tables', async () => {
      await using engine = await open('capture_')
      const events: SyncEvent[] = []
      await engine.subscribe(
        { entityChanged: (event) => void events.push(event) },
        { name: 'record', mode: 'durable' },
      )
      const capture = {
        table: 'page',
        entityName: EntityNames.Page,
        entityId: 'page_id',
        data: ['page_id', 'name'],
        siteId: 'context',
      } as const
      await engine.captureTable(capture)
      await engine.captureTable(capture)
      await engine.start()
      await engine.withContext(site, () =>
        engine.transaction(async ({ trx }) => {
          await trx.insertInto('page').values({ page_id: 200, name: 'New' }).execute()
          await trx.updateTable('page').set({ name: 'Other' }).where('page_id', '=', 200).execute()
          await trx.deleteFrom('page').where('page_id', '=', 200).execute()
        }),
      )
      await waitFor(() => events.length === 3, 'the changes')
      expect(
        events.map(({ action, entityId, tenantId, data }) => [action, entityId, tenantId, data]),
      ).toEqual([
        ['Create', 200, 1, { page_id: 200, name: 'New' }],
        ['Update', 200, 1, { page_id: 200, name: 'Other', $changed: ['name'] }],
        ['Delete', 200, 1, { page_id: 200, name: 'Other' }],
      ])
      expect(await engine.releaseTable('page')).toBe(true)
      expect(await engine.releaseTable('page')).toBe(false)
    })

    it('deletes old events, and is migrated once', async () => {
      const logger = recordingLogger()
      await using engine = await open('old_', { logger, retention: { keepMs: 1, intervalMs: 20 } })
      await engine.migrate()
      await engine.syncManager.addSyncEvent(site, EntityNames.File, 1, 'Download')
      await engine.start()
      await waitFor(
        async () => (await rows(database.db, 'true', 'old_sync_event')).length === 0,
        'the clean-up',
      )
      expect(logger.messages.filter((message) => /could not/.test(message))).toEqual([])
    })

    it('tells what the database refuses from what may pass', async () => {
      const thrownBy = (statement: string) =>
        sql
          .raw(statement)
          .execute(database.db)
          .then(
            () => undefined,
            (error: unknown) => error,
          )
      expect(isRefusal(await thrownBy('insert into page (page_id, name) values (-1, null)'))).toBe(true)
      expect(isRefusal(await thrownBy('insert into no_such_table (page_id) values (1)'))).toBe(false)
    })

    it('gives and takes each value of its store as it is', async () => {
      const engine = await open('store_')
      const bare = database.db.withoutPlugins() as Kysely<unknown>
      const store = openEventStore({
        db: bare,
        sql: sqlDialectOf(driver.dialect),
        names: tableNames('store_', undefined),
        nodeId: 'node-1',
        clock: systemClock,
      })
      const handled = internalsOf(engine).handledLog('a')
      const event = await engine.syncManager.addSyncEvent(site, EntityNames.File, 1, 'Reload', { data })
      const start = store.startPosition()
      let end: Position = start
      let lease = {} as SubscriptionLease
      let marker = ''
      const fence = (): Fence => ({ name: 'a', epoch: lease.epoch })
      const row = (id: string) => rowOf({ ...event, id } as SyncEvent, JSON.stringify(data))
      // In this order. A method without a step does not compile.
      const steps: Record<keyof EventStore, () => Promise<void>> = {
        startPosition: async () => expect(store.parsePosition(start)).toBe(start),
        append: async () => store.append(bare, row('evt_append')),
        appendAll: async () => store.appendAll(bare, [row('evt_all_1'), row('evt_all_2')]),
        findChange: async () => {
          const found = await store.findChange(undefined)
          expect(found.changed).toBe(true)
          marker = found.marker
          expect((await store.findChange(marker)).changed).toBe(false)
        },
        endPosition: async () => {
          end = await store.endPosition()
        },
        readAfter: async () => {
          const page = await store.readAfter(start, 10)
          expect(page.events.map((one) => one.event.id)).toEqual([
            event.id,
            'evt_append',
            'evt_all_1',
            'evt_all_2',
          ])
          expect(page.events.map((one) => one.event.data)).toEqual([data, data, data, data])
          expect((await store.readAfter(end, 10)).events).toEqual([])
        },
        measureLag: async () => {
          expect(await store.measureLag(start)).toEqual({
            events: 4,
            capped: false,
            oldest: event.modifiedOn,
          })
          expect(await store.measureLag(end)).toEqual({ events: 0, capped: false, oldest: undefined })
        },
        parsePosition: async () => {
          expect(() => store.parsePosition('nowhere')).toThrow(EventEngineError)
        },
        positionAt: async () => {
          const at = await store.positionAt(new Date(event.modifiedOn.getTime() - 1))
          expect((await store.readAfter(at, 10)).events).toHaveLength(4)
          const later = await store.positionAt(new Date(Date.now() + 60_000))
          expect((await store.readAfter(later, 10)).events).toEqual([])
        },
        findPlace: async () => expect(await store.findPlace(start)).toBe('kept'),
        logName: async () => expect(await store.logName()).toMatch(/^[0-9a-f]{8}$/),
        shrinkFile: async () => expect(await store.shrinkFile()).toBe(false),
        forgetRead: async () => store.forgetRead(),
        isInLog: async () => {
          const [read] = (await store.readAfter(start, 1)).events
          expect(await store.isInLog(read?.event as SyncEvent)).toBe(true)
        },
        lastSequence: async () => expect(await store.lastSequence()).toBe('4'),
        purgeTenantEvents: async () => {
          expect(await store.purgeTenantEvents(99, '0', 10)).toEqual({ count: 0, last: '4' })
        },
        settleBatches: async () => store.settleBatches(),
        purgeTenantParked: async () => {
          expect(await store.purgeTenantParked(99, '0', 10)).toEqual({ count: 0, last: undefined })
        },
        forgetTenantFailures: async () => store.forgetTenantFailures(99),
        clearCaptured: async () => store.clearCaptured(),
        adoptRestoredLog: async () => expect(await store.adoptRestoredLog()).toBe(false),
        longestUncommittedMs: async () => {
          expect(await store.longestUncommittedMs()).toSatisfy(Number.isSafeInteger)
        },
        readClientEvents: async () => {
          const found = await store.readClientEvents(1, new Date(event.modifiedOn.getTime() - 1))
          expect(found[0]).toEqual(event)
          expect(await store.readClientEvents(2, event.modifiedOn)).toEqual([])
        },
        createSubscription: async () => {
          await store.createSubscription('a', start)
          await store.createSubscription('a', end)
        },
        acquireLease: async () => {
          const taken = await store.acquireLease('a', 60_000)
          expect(taken).toEqual({ epoch: 1, revision: 0, position: start, failedAttempts: 0, ahead: 0 })
          lease = taken as SubscriptionLease
        },
        renewLeases: async () => {
          expect(await store.renewLeases(60_000, ['b'])).toEqual([])
          expect(await store.renewLeases(60_000, ['a', 'b'])).toEqual([{ name: 'a', epoch: 1, revision: 0 }])
        },
        saveFailure: async () => {
          expect(await store.saveFailure(fence(), event, 1, 'failed', 'active')).toBe(true)
          expect(await store.saveFailure({ name: 'a', epoch: 99 }, event, 1, 'failed', 'active')).toBe(false)
        },
        listSubscriptions: async () => {
          expect(await store.listSubscriptions()).toEqual([
            {
              name: 'a',
              position: start,
              state: 'active',
              leasedBy: 'node-1',
              failedAttempts: 1,
              lastError: 'failed',
              parked: 0,
            },
          ])
        },
        savePosition: async () => {
          expect(await store.savePosition(fence(), end)).toBe(true)
          expect(await store.savePosition({ ...fence(), epoch: 99 }, start)).toBe(false)
          // What seemed lost, and is run when others have moved the position.
          expect(await store.savePosition({ ...fence(), at: [start] }, start)).toBe(false)
          expect(await store.savePosition({ ...fence(), at: [start, end] }, end)).toBe(true)
        },
        savePositionIn: async () => {
          const lasting = { leaseMs: 60_000, idleMs: 5_000 }
          const saved = await bare
            .transaction()
            .execute((trx) => store.savePositionIn(trx, { ...fence(), at: [end] }, end, lasting))
          expect(saved).toBe(true)
        },
        fenceIn: async () => {
          const lasting = { leaseMs: 60_000, idleMs: 5_000 }
          const moved = { position: end, ahead: 7 }
          const inTransaction = (at: Fence, to: typeof moved | undefined) =>
            bare.transaction().execute((trx) => store.fenceIn(trx, at, to, lasting))
          expect(await inTransaction(fence(), undefined)).toBe(true)
          expect(await inTransaction(fence(), moved)).toBe(true)
          expect(await inTransaction({ ...fence(), epoch: 99 }, undefined)).toBe(false)
          expect(await inTransaction({ ...fence(), epoch: 99 }, moved)).toBe(false)
        },
        fencePart: async () => {
          const { statement, hasWritingQueries } = sqlDialectOf(engine.dialect)
          if (!hasWritingQueries) return
          const holds = (at: Fence, moved: { position: Position; ahead: number } | undefined) => {
            const { query, parameters } = store.fencePart(at, moved)
            const text = `with fence as (${query(`$${FIRST_AFTER_FENCE} = 'b'`)}) select held from fence`
            return findsRow(bare, statement(text), [...parameters, 'b'])
          }
          for (const moved of [undefined, { position: end, ahead: 0 }]) {
            expect(await holds(fence(), moved)).toBe(true)
            expect(await holds({ ...fence(), at: [end] }, moved)).toBe(true)
            expect(await holds({ ...fence(), epoch: 99 }, moved)).toBe(false)
          }
        },
        hold: async () => {
          await store.hold('a', 7)
          await store.hold('a', null)
        },
        park: async () => {
          expect(await store.park(fence(), event, undefined, 3, 'broken')).toBe(true)
          expect(await store.park({ name: 'a', epoch: 99 }, event, end, 3, 'broken')).toBe(false)
        },
        listParked: async () => {
          expect(await store.listParked('a', 10)).toEqual([
            { subscription: 'a', event, attempts: 3, error: 'broken', parkedOn: expect.any(Date) },
          ])
        },
        isParked: async () => {
          expect(await store.isParked('a', event.id)).toBe(true)
          expect(await store.isParked('b', event.id)).toBe(false)
        },
        requestResume: async () => {
          expect(await store.nextResumable('a')).toBeUndefined()
          expect(await store.requestResume('a', undefined)).toBe(1)
        },
        nextResumable: async () => {
          expect(await store.nextResumable('a')).toMatchObject({ event, attempts: 3, request: 1 })
        },
        parkAgain: async () => {
          await store.parkAgain('a', event.id, 4, 'again', 7)
          expect(await store.listParked('a', 10)).toMatchObject([{ attempts: 4, error: 'again' }])
          expect(await store.nextResumable('a')).toMatchObject({ request: 1 })
          await store.parkAgain('a', event.id, 5, 'again', 1)
          expect(await store.nextResumable('a')).toBeUndefined()
        },
        deleteParked: async () => expect(await store.deleteParked('a', event.id)).toBe(1),
        setState: async () => {
          expect(await store.setState('a', 'paused')).toBe(true)
          expect(await store.setState('b', 'paused')).toBe(false)
        },
        unblock: async () => {
          expect(await store.unblock('a')).toBe(true)
          expect(await store.unblock('b')).toBe(false)
        },
        hasSubscription: async () => {
          expect([await store.hasSubscription('a'), await store.hasSubscription('b')]).toEqual([true, false])
        },
        movePosition: async () => {
          expect(await store.movePosition('a', start, end)).toBe(true)
          expect(await store.movePosition('a', start, end)).toBe(false)
        },
        releaseLease: async () => store.releaseLease(fence()),
        listUnattended: async () => {
          expect(await store.listUnattended(-120_000)).toEqual([
            { name: 'a', unattendedMs: expect.any(Number) },
          ])
        },
        purge: async () => {
          await store.movePosition('a', end)
          await waitFor(async () => {
            await store.purge({ keepMs: 0, abandonedAfterMs: 60_000, limit: 10 })
            return (await rows(database.db, 'true', 'store_sync_event')).length === 0
          }, 'the log to be emptied')
          expect(await store.findPlace(start)).toBe('expired')
          expect(await store.findPlace(end)).toBe('kept')
        },
      }
      const beforePurge = Object.entries(steps)
      for (const [, step] of beforePurge.slice(0, -1)) await step()
      await store.movePosition('a', end)
      const range = await handled.rangeSince(event.modifiedOn.getTime())
      expect(range).toMatchObject({ position: end, after: 0, last: 4 })
      const query = { position: end, after: 0, tenantId: 1, limit: 10 }
      expect((await handled.read(query)).events[0]).toEqual(event)
      expect((await handled.read(query)).last).toBe(4)
      expect(await handled.oldestOn()).toBe(event.modifiedOn.getTime())
      await steps.purge()
      expect(await isMigrated(bare, { migrations: {}, prefix: 'store_' })).toBe(true)
    })
  })
}

async function firstPosition(engine: ReturnType<typeof createEventEngine<Tables>>): Promise<string> {
  const bare = engine.db.withoutPlugins() as Kysely<unknown>
  const names = tableNames(engine.tablePrefix, engine.schema)
  const store = openEventStore({
    db: bare,
    sql: sqlDialectOf(engine.dialect),
    names,
    nodeId: 'test',
    clock: systemClock,
  })
  const write = await createGivenPositions(store).writer()
  return write(store.startPosition())
}

async function rows(db: Kysely<Tables>, condition: string, table = 'page') {
  return (await sql`select * from ${sql.table(table)} where ${sql.raw(condition)}`.execute(db)).rows
}
