import { ALL_SITES, ALL_TENANTS, EntityNames, SyncEventActions } from '@x/events-core'
import { manualClock } from '@x/testkit'
import { expect, it } from 'vitest'
import { onEachDatabase, site } from './open-engine.ts'

const MINUTE = 60_000

onEachDatabase((open) => {
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
