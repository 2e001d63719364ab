import { waitFor } from '@x/testkit'
import { expect, it } from 'vitest'
import { createSyncClient, followSite, type SyncClientError } from '../src/index.ts'
import { type EventJson, eventJson, syncServer } from './sync-server.ts'

const hostReload = { tenantId: -1, siteId: -1, entityName: 'Host', entityId: -1, action: 'Reload' }

async function actionsFor(...events: Partial<EventJson>[]): Promise<string[]> {
  return actionsOf(undefined, ...events)
}

async function actionsOf(userId: number | undefined, ...events: Partial<EventJson>[]): Promise<string[]> {
  await using server = await syncServer()
  server.events.push(...events.map(eventJson))
  const client = createSyncClient({ transport: 'polling', url: server.url, lastSyncDate: new Date(0) })
  const actions: string[] = []
  followSite({
    client,
    siteKey: '1:7',
    userId,
    reload: ({ entityName }) => actions.push(`reload for ${entityName}`),
    refresh: ({ entityName }) => actions.push(`refresh for ${entityName}`),
  })
  await client.poll()
  return actions
}

it('reloads when the host was started, whatever the site', async () => {
  expect(await actionsFor(hostReload)).toEqual(['reload for Host'])
})

it('refreshes or reloads as its own site asks', async () => {
  expect(await actionsFor({ action: 'Refresh' })).toEqual(['refresh for Site'])
  expect(await actionsFor({ action: 'Reload' })).toEqual(['reload for Site'])
})

it('reloads when what its user may do has changed, by whichever site of the tenant', async () => {
  const userReload = { entityName: 'User', entityId: 5, action: 'Reload' }
  expect(await actionsOf(5, userReload)).toEqual(['reload for User'])
  expect(await actionsOf(5, { ...userReload, siteId: 8 })).toEqual(['reload for User'])
  expect(await actionsOf(5, { ...userReload, entityId: 6 })).toEqual([])
  expect(await actionsOf(5, { ...userReload, tenantId: 2 })).toEqual([])
  expect(await actionsOf(5, { ...userReload, action: 'Update' })).toEqual([])
  expect(await actionsFor(userReload)).toEqual([])
})

it('leaves other sites, other tenants and other events alone', async () => {
  expect(
    await actionsFor(
      { siteId: 8 },
      { tenantId: 2 },
      { tenantId: 2, entityName: 'Host', action: 'Reload' },
      { entityName: 'Page', action: 'Refresh' },
      { action: 'Update' },
    ),
  ).toEqual([])
})

it('acts once for all events of one answer, and prefers to reload', async () => {
  expect(await actionsFor({}, {}, {})).toEqual(['refresh for Site'])
  expect(await actionsFor({}, hostReload, {})).toEqual(['reload for Host'])
})

it('refreshes once more, and not at the same time, for what comes while it refreshes', async () => {
  await using server = await syncServer()
  const client = createSyncClient({ transport: 'polling', url: server.url, lastSyncDate: new Date(0) })
  const finish: (() => void)[] = []
  const refreshed: string[] = []
  followSite({
    client,
    siteKey: '1:7',
    reload: () => refreshed.push('reloaded'),
    refresh: (event) => {
      refreshed.push(event.id)
      return new Promise<void>((resolve) => finish.push(resolve))
    },
  })
  const raiseAndPoll = () => {
    server.events.push(eventJson())
    return client.poll()
  }
  await raiseAndPoll()
  await raiseAndPoll()
  await raiseAndPoll()
  expect(refreshed).toHaveLength(1)
  finish.shift()?.()
  await waitFor(() => finish.length === 1, 'the second refresh')
  expect(refreshed).toEqual([server.events[0]?.id, server.events[2]?.id])
})

it('reports what a refresh throws, and refreshes again next time', async () => {
  await using server = await syncServer()
  const client = createSyncClient({ transport: 'polling', url: server.url, lastSyncDate: new Date(0) })
  const failure = new Error('offline')
  const errors: SyncClientError[] = []
  client.on('error', (error) => errors.push(error))
  followSite({ client, siteKey: '1:7', reload: () => {}, refresh: () => Promise.reject(failure) })
  for (const expected of [1, 2]) {
    server.events.push(eventJson())
    await client.poll()
    await waitFor(() => errors.length === expected, 'the report')
  }
  expect(errors).toMatchObject([{ code: 'listener_failed', cause: failure }, { cause: failure }])
})

it('does nothing any more once it is ended', async () => {
  await using server = await syncServer()
  const client = createSyncClient({ transport: 'polling', url: server.url, lastSyncDate: new Date(0) })
  const actions: string[] = []
  const end = followSite({
    client,
    siteKey: '1:7',
    reload: () => actions.push('reload'),
    refresh: () => actions.push('refresh'),
  })
  // Ended in the middle of an answer: what it meant to do is not done either.
  client.on('refresh', end)
  server.events.push(eventJson())
  await client.poll()
  server.events.push(eventJson())
  await client.poll()
  expect(actions).toEqual([])
})

it('refuses a site key that is none', () => {
  const client = createSyncClient({ transport: 'polling', url: 'http://127.0.0.1/api/Sync' })
  const follow = () => followSite({ client, siteKey: 'www', reload: () => {}, refresh: () => {} })
  expect(follow).toThrow('followSite: options.siteKey must be tenantId:siteId, as in "1:7"; got "www"')
})
