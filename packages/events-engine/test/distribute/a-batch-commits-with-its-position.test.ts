import { EntityNames, type SyncEvent } from '@x/events-core'
import { waitFor } from '@x/testkit'
import { expect, it } from 'vitest'
import { EventEngineError, type IBatchEventSubscriber } from '../../src/index.ts'
import { type HostTables, type OpenEngine, onEachDatabase, site } from '../open-engine.ts'

const raiseAll = (host: OpenEngine, count: number) =>
  Promise.all(
    Array.from({ length: count }, (_, index) =>
      host.engine.syncManager.addSyncEvent(site, EntityNames.File, index + 1, 'Download'),
    ),
  )

const pageIds = async (host: OpenEngine) => {
  const rows = await host.db.selectFrom('page').select('pageId').orderBy('pageId').execute()
  return rows.map(({ pageId }) => pageId)
}

/** Writes one row for each event: a second time would violate the primary key. */
const writeRows = (events: readonly SyncEvent[]) =>
  events.map((event) => ({ pageId: Number(event.entityId), name: event.id }))

onEachDatabase((open) => {
  it('writes exactly one row for each event, although a batch fails half-way', async () => {
    await using host = await open()
    let failures = 0
    const subscriber: IBatchEventSubscriber<HostTables> = {
      async entitiesChanged(events, { trx }) {
        await trx.insertInto('page').values(writeRows(events)).execute()
        if (failures++ < 2) throw new Error('power cut')
      },
    }
    await host.engine.subscribe(subscriber, {
      name: 'rows',
      mode: 'durable',
      batchSize: 10,
      retry: { firstDelayMs: 1 },
    })
    await host.engine.start()
    await raiseAll(host, 25)
    await waitFor(async () => (await pageIds(host)).length === 25, 'all rows')
    expect(await pageIds(host)).toEqual(Array.from({ length: 25 }, (_, index) => index + 1))
  })

  it('finds the one event of a batch that fails, parks it, and handles the others', async () => {
    await using host = await open()
    const subscriber: IBatchEventSubscriber<HostTables> = {
      async entitiesChanged(events, { trx }) {
        await trx.insertInto('page').values(writeRows(events)).execute()
        if (events.some((event) => event.entityId === 4)) throw new Error('cannot be')
      },
    }
    await host.engine.subscribe(subscriber, {
      name: 'rows',
      mode: 'durable',
      retry: { maxAttempts: 2, firstDelayMs: 1 },
    })
    await host.engine.start()
    await raiseAll(host, 6)
    await waitFor(async () => (await pageIds(host)).length === 5, 'the rows')
    expect(await pageIds(host)).toEqual([1, 2, 3, 5, 6])
    const parked = await host.engine.subscriptions.parked('rows')
    expect(parked.map(({ event, attempts }) => [event.entityId, attempts])).toEqual([[4, 2]])
  })

  it('calls what is to follow the commit after it, and only then', async () => {
    await using host = await open()
    const followed: Promise<number[]>[] = []
    let failures = 0
    const subscriber: IBatchEventSubscriber<HostTables> = {
      async entitiesChanged(events, { trx, afterCommit }) {
        await trx.insertInto('page').values(writeRows(events)).execute()
        afterCommit(() => void followed.push(pageIds(host)))
        afterCommit(() => {
          throw new Error('nobody else has to suffer')
        })
        if (failures++ === 0) throw new Error('power cut')
      },
    }
    await host.engine.subscribe(subscriber, { name: 'rows', mode: 'durable', retry: { firstDelayMs: 1 } })
    await host.engine.start()
    await raiseAll(host, 1)
    await waitFor(async () => (await pageIds(host)).length === 1 && followed.length === 1, 'the row')
    expect(await Promise.all(followed)).toEqual([[1]])
    expect(failures).toBe(2)
  })

  it('writes nothing once another node has taken the subscription over', async () => {
    await using host = await open()
    const entered = Promise.withResolvers<void>()
    let calls = 0
    const subscriber: IBatchEventSubscriber<HostTables> = {
      async entitiesChanged(events, { trx }) {
        calls += 1
        // The same connection stands in for the other node: it moves the lease on in mid-call.
        await trx
          .updateTable('xe_subscription' as never)
          .set({ epoch: 99 } as never)
          .where('name' as never, '=', 'rows' as never)
          .execute()
        await trx.insertInto('page').values(writeRows(events)).execute()
        entered.resolve()
        throw new Error('too late')
      },
    }
    await host.engine.subscribe(subscriber, { name: 'rows', mode: 'durable', retry: { maxAttempts: 1 } })
    await host.engine.start()
    await raiseAll(host, 1)
    await entered.promise
    await waitFor(
      async () => (await host.engine.subscriptions.parked('rows')).length === 1,
      'the parked event',
    )
    expect(await pageIds(host)).toEqual([])
    expect(calls).toBe(1)
  })

  it('prepares outside of the transaction, where the database is free to be read', async () => {
    await using host = await open()
    await host.db.insertInto('page').values({ pageId: 1_000, name: 'prefix' }).execute()
    const given: unknown[] = []
    const subscriber: IBatchEventSubscriber<HostTables> = {
      async prepare(events) {
        const page = await host.db
          .selectFrom('page')
          .select('name')
          .where('pageId', '=', 1_000)
          .executeTakeFirst()
        return events.map((event) => `${page?.name} ${event.entityId}`)
      },
      async entitiesChanged(events, { trx, prepared }) {
        given.push(prepared)
        await trx.insertInto('page').values(writeRows(events)).execute()
      },
    }
    await host.engine.subscribe(subscriber, { name: 'rows', mode: 'durable' })
    await host.engine.start()
    await raiseAll(host, 2)
    await waitFor(async () => (await pageIds(host)).length === 3, 'the rows')
    expect(given.flat()).toEqual(['prefix 1', 'prefix 2'])
  })

  it('prepares again when that is outdated, which is no failure, and parks what cannot be prepared', async () => {
    await using host = await open()
    let preparations = 0
    const subscriber: IBatchEventSubscriber<HostTables> = {
      prepare(events) {
        if (events.some((event) => event.entityId === 2)) throw new Error('cannot be prepared')
        preparations += 1
        return preparations
      },
      async entitiesChanged(events, { trx, prepared }) {
        await trx.insertInto('page').values(writeRows(events)).execute()
        if (prepared === 1) throw new EventEngineError('preparation_outdated', 'Something has changed.')
      },
    }
    await host.engine.subscribe(subscriber, { name: 'rows', mode: 'durable', retry: { maxAttempts: 1 } })
    await host.engine.start()
    await raiseAll(host, 1)
    await waitFor(async () => (await pageIds(host)).length === 1, 'the row')
    expect((await host.engine.stats()).failed).toBe(0)
    expect(preparations).toBe(2)

    await host.engine.syncManager.addSyncEvent(site, EntityNames.File, 2, 'Download')
    await waitFor(
      async () => (await host.engine.subscriptions.parked('rows')).length === 1,
      'the parked event',
    )
    expect(await pageIds(host)).toEqual([1])
  })
})
