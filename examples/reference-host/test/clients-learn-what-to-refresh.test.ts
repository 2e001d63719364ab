import { createSyncClient } from '@x/client'
import type { SyncEvent } from '@x/events-core'
import { waitFor } from '@x/testkit'
import { expect, it } from 'vitest'
import { jsonOf, openTestHost } from './open-test-host.ts'

interface SyncBody {
  readonly syncDate: string
  readonly syncEvents: SyncEvent[]
}

it('answers the minimum date with the present one, and nothing to catch up on', async () => {
  await using host = await openTestHost()
  const sync = await jsonOf<SyncBody>(host.send('/api/Sync/00010101000000000', { token: undefined }))
  expect(sync).toEqual({ syncDate: expect.any(String), syncEvents: [] })
  expect(Math.abs(Date.parse(sync.syncDate) - Date.now())).toBeLessThan(60_000)
})

it('tells refreshes and reloads since the date, and no change of an entity', async () => {
  await using host = await openTestHost()
  await host.send('/api/Page', { body: { name: 'Home' } })
  const sync = await jsonOf<SyncBody>(host.send('/api/Sync/20200101000000000'))
  expect(sync.syncEvents.map((event) => `${event.entityName}.${event.action}`)).toEqual([
    'Host.Reload',
    'Site.Refresh',
  ])
})

it('is what the sync client follows', async () => {
  await using host = await openTestHost()
  await using client = createSyncClient({
    url: `${host.host.url}/api/Sync`,
    siteKey: '1:1',
    pollIntervalMs: 20,
  })
  const heard: string[] = []
  client.on('refresh', (event) => void heard.push(`${event.entityName} ${event.siteKey}`))
  client.start()
  await waitFor(() => client.state === 'live', 'the client to be live')

  await host.send('/api/Page', { body: { name: 'Home' } })

  await waitFor(() => heard.length > 0, 'the refresh')
  expect(heard).toEqual(['Site 1:1'])
})
