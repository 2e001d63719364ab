import { EntityNames, type SyncEvent, SyncEventActions } from '@x/events-core'
import { waitFor } from '@x/testkit'
import { CamelCasePlugin } from 'kysely'
import { expect, it } from 'vitest'
import { onEachDatabase, site } from '../open-engine.ts'

function recorder() {
  const events: SyncEvent[] = []
  return { events, subscriber: { entityChanged: (event: SyncEvent) => void events.push(event) } }
}

onEachDatabase((open) => {
  it('hands a committed event to a durable subscriber, whole', async () => {
    await using host = await open()
    const { events, subscriber } = recorder()
    await host.engine.subscribe(subscriber, { name: 'record', mode: 'durable' })
    await host.engine.start()

    const raised = await host.engine.transaction(async ({ trx, raise }) => {
      await trx.insertInto('page').values({ pageId: 3, name: 'Home' }).execute()
      return raise(site, EntityNames.Page, 3, SyncEventActions.Create, { data: { name: 'Home' } })
    })

    await waitFor(() => events.length === 1, 'the event')
    expect(events[0]).toEqual(raised)
    expect(events[0]).toMatchObject({
      id: expect.stringMatching(/^evt_[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/),
      tenantId: 1,
      siteId: 7,
      siteKey: '1:7',
      entityName: 'Page',
      entityId: 3,
      action: 'Create',
      modifiedOn: expect.any(Date),
      data: { name: 'Home' },
    })
  })

  it('forgets the event of a transaction that rolls back', async () => {
    await using host = await open()
    const { events, subscriber } = recorder()
    await host.engine.subscribe(subscriber, { name: 'record', mode: 'durable' })
    await host.engine.start()

    const failing = host.engine.transaction(async ({ trx, raise }) => {
      await trx.insertInto('page').values({ pageId: 3, name: 'Home' }).execute()
      await raise(site, EntityNames.Page, 3, SyncEventActions.Create)
      throw new Error('changed my mind')
    })
    await expect(failing).rejects.toThrow('changed my mind')
    await host.engine.syncManager.addSyncEvent(site, EntityNames.Site, 7, SyncEventActions.Refresh)

    await waitFor(() => events.length > 0, 'the later event')
    expect(events.map(({ entityName }) => entityName)).toEqual(['Site'])
    expect(await host.db.selectFrom('page').selectAll().execute()).toEqual([])
  })

  it("joins the host's own Kysely transaction, and wakes subscribers at its commit", async () => {
    await using host = await open({ pollMaxMs: 60_000 })
    const { events, subscriber } = recorder()
    await host.engine.subscribe(subscriber, { name: 'record', mode: 'durable' })
    await host.engine.start()

    await host.db.transaction().execute(async (trx) => {
      await trx.insertInto('page').values({ pageId: 1, name: 'Home' }).execute()
      await host.engine.syncManager.addSyncEvent(site, EntityNames.Page, 1, SyncEventActions.Create, { trx })
      expect(events).toEqual([])
    })
    await waitFor(() => events.length === 1, 'the event')
  })

  it('keeps the kind of an entity id: 7 is not "7"', async () => {
    await using host = await open()
    const { events, subscriber } = recorder()
    await host.engine.subscribe(subscriber, { name: 'record', mode: 'durable' })
    await host.engine.start()
    await host.engine.syncManager.addSyncEvent(site, EntityNames.File, 7, 'Download')
    await host.engine.syncManager.addSyncEvent(site, EntityNames.File, '7', 'Download')
    await waitFor(() => events.length === 2, 'both events')
    expect(events.map(({ entityId }) => entityId)).toEqual([7, '7'])
  })

  it('commits many events that are raised at once, each its own, in their order', async () => {
    await using host = await open()
    const { events, subscriber } = recorder()
    await host.engine.subscribe(subscriber, { name: 'record', mode: 'durable' })
    await host.engine.start()
    const raised = await Promise.all(
      Array.from({ length: 700 }, (_, index) =>
        host.engine.syncManager.addSyncEvent(site, EntityNames.File, index, 'Download', { data: { index } }),
      ),
    )
    await waitFor(() => events.length === 700, 'all events')
    expect(events).toEqual(raised)
  })

  it('is not confused by plugins of the host, such as one for camel case', async () => {
    await using host = await open()
    const { createEventEngine } = await import('../../src/index.ts')
    const db = host.db.withPlugin(new CamelCasePlugin())
    await using engine = createEventEngine({ db, tablePrefix: 'camel_' })
    const { events, subscriber } = recorder()
    await engine.migrate()
    await engine.subscribe(subscriber, { name: 'record', mode: 'durable' })
    await engine.start()
    await engine.transaction(({ raise }) => raise(site, EntityNames.File, 1, 'Download'))
    await waitFor(() => events.length === 1, 'the event')
  })
})
