import { ALL_SITES, ALL_TENANTS, EntityNames, SyncEventActions } from '@x/events-core'
import { manualClock, waitFor } from '@x/testkit'
import { CompiledQuery } from 'kysely'
import { expect, it } from 'vitest'
import { onEachDatabase, site } from '../open-engine.ts'

const MINUTE = 60_000

onEachDatabase((open, dialect) => {
  it('answers the Refresh and Reload events of a tenant, and those of all tenants', async () => {
    await using host = await open()
    const { syncManager } = host.engine
    const before = new Date()
    await syncManager.addSyncEvent(site, EntityNames.Site, 7, SyncEventActions.Refresh)
    await syncManager.addSyncEvent(site, EntityNames.Page, 1, SyncEventActions.Create)
    await syncManager.addSyncEvent({ tenantId: 2, siteId: 7 }, EntityNames.Site, 7, SyncEventActions.Refresh)
    await syncManager.addSyncEvent(
      { tenantId: ALL_TENANTS, siteId: ALL_SITES },
      EntityNames.Host,
      -1,
      SyncEventActions.Reload,
    )
    const names = async (tenantId: number) =>
      (await syncManager.getSyncEvents(tenantId, before)).map(
        (event) => `${event.tenantId} ${event.entityName}`,
      )
    expect(await names(1)).toEqual(['1 Site', '-1 Host'])
    expect(await names(2)).toEqual(['2 Site', '-1 Host'])
    expect(await names(3)).toEqual(['-1 Host'])
  })

  it('counts the date itself in, and nothing older than an hour', async () => {
    const clock = manualClock()
    await using host = await open({ clock })
    const { syncManager } = host.engine
    const raise = () => syncManager.addSyncEvent(site, EntityNames.Site, 7, SyncEventActions.Refresh)
    const first = await raise()
    await clock.advance(59 * MINUTE)
    const second = await raise()
    expect(await syncManager.getSyncEvents(1, first.modifiedOn)).toEqual([first, second])
    expect(await syncManager.getSyncEvents(1, second.modifiedOn)).toEqual([second])
    expect(await syncManager.getSyncEvents(1, new Date(second.modifiedOn.getTime() + 1))).toEqual([])
    await clock.advance(2 * MINUTE)
    expect(await syncManager.getSyncEvents(1, new Date(0))).toEqual([second])
  })

  it('answers a date to ask with next that misses nothing, however late it is committed', async () => {
    await using host = await open()
    const { syncManager } = host.engine
    const first = await syncManager.getSync(1, undefined)
    expect(first.syncEvents).toEqual([])
    // Raised now, and committed once a client has asked twice.
    const raised = Promise.withResolvers<void>()
    const committing = Promise.withResolvers<void>()
    const late = host.engine.transaction(async ({ raise }) => {
      const event = await raise(site, EntityNames.Site, 7, SyncEventActions.Refresh)
      raised.resolve()
      await committing.promise
      return event
    })
    await raised.promise
    const raisedAt = Date.now()
    let { syncDate } = first
    // On SQLite a question waits for the transaction.
    if (dialect === 'postgres') {
      await waitFor(() => Date.now() > raisedAt + 20, 'the transaction to be open for a while')
      for (let poll = 0; poll < 2; poll += 1) {
        const sync = await syncManager.getSync(1, syncDate)
        expect(sync.syncEvents).toEqual([])
        syncDate = sync.syncDate
        // Not only as far back as clocks may differ.
        expect(syncDate.getTime()).toBeLessThanOrEqual(raisedAt - 5_000)
      }
    }
    committing.resolve()
    const event = await late
    // A client that has just loaded what the event led to is not to hear of it as news.
    const fresh = await syncManager.getSync(1, undefined)
    expect(fresh.syncEvents).toEqual(dialect === 'postgres' ? [event] : [])
    expect((await syncManager.getSync(1, syncDate)).syncEvents).toEqual([event])
    expect(syncDate.getTime()).toBeLessThanOrEqual(event.modifiedOn.getTime())
  })

  it('answers such a date also while events wait to be written together', async () => {
    const clock = manualClock()
    await using host = await open({ clock })
    const { syncManager } = host.engine
    const before = new Date(clock.now())
    const locked = Promise.withResolvers<void>()
    const release = Promise.withResolvers<void>()
    // On SQLite a transaction keeps the connection, also from questions.
    const holding = host.db.transaction().execute(async (trx) => {
      if (dialect === 'postgres') {
        await trx.executeQuery(CompiledQuery.raw('lock table xe_sync_event in exclusive mode'))
      }
      locked.resolve()
      await release.promise
    })
    await locked.promise
    const raise = () => syncManager.addSyncEvent(site, EntityNames.Site, 7, SyncEventActions.Refresh)
    // The second waits for the first to be written.
    const raising = [raise()]
    await clock.advance(1)
    raising.push(raise())
    await clock.advance(10_000)
    const asking = syncManager.getSync(1, before)
    if (dialect === 'postgres') await asking
    release.resolve()
    await holding
    const { syncDate, syncEvents } = await asking
    const events = await Promise.all(raising)
    const next = await syncManager.getSync(1, syncDate)
    const told = new Set([...syncEvents, ...next.syncEvents].map(({ id }) => id))
    expect(told).toEqual(new Set(events.map(({ id }) => id)))
    const { syncDate: later } = await syncManager.getSync(1, undefined)
    expect(clock.now() - later.getTime(), 'nothing waits any more').toBeLessThan(10_000)
  })

  it('refuses a date that is none, and a tenant that is no integer', async () => {
    await using host = await open()
    const { syncManager } = host.engine
    await expect(syncManager.getSyncEvents(1, new Date('soon'))).rejects.toMatchObject({
      code: 'invalid_argument',
    })
    await expect(syncManager.getSyncEvents(0.5, new Date())).rejects.toMatchObject({
      code: 'invalid_argument',
    })
  })
})
