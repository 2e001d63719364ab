import { eventTypeOf } from '@x/events-core'
import { expect, it } from 'vitest'
import { jsonOf, openTestHost, type TestHost, upload } from './open-test-host.ts'

async function eventTypes(host: TestHost): Promise<string[]> {
  const events = await host.events()
  return events.map((event) => `${eventTypeOf(event)} ${event.siteKey} ${event.entityId}`)
}

it('raises what the start of a host is about', async () => {
  await using host = await openTestHost()
  // From the log: it may have been handed on before anybody listened here.
  const events = await host.host.services.engine.syncManager.getSyncEvents(1, new Date(0))
  expect(events.map((event) => `${eventTypeOf(event)} ${event.siteKey} ${event.entityId}`)).toEqual([
    'Host.Reload -1:-1 -1',
  ])
})

it.each([
  {
    path: '/api/Page',
    input: { name: 'Home' },
    changed: { name: 'Start' },
    raised: [
      'Page.Create 1:1 1',
      'Site.Refresh 1:1 1',
      'Page.Update 1:1 1',
      'Site.Refresh 1:1 1',
      'Page.Delete 1:1 1',
      'Site.Refresh 1:1 1',
    ],
  },
  {
    path: '/api/Folder',
    input: { name: 'Pictures' },
    changed: { name: 'Photos' },
    raised: ['Folder.Create 1:1 2', 'Folder.Update 1:1 2', 'Folder.Delete 1:1 2'],
  },
  {
    path: '/api/User',
    input: { username: 'ada', displayName: 'Ada', email: 'ada@example.org' },
    changed: { username: 'ada', displayName: 'Ada L.', email: 'ada@example.org' },
    raised: [
      'User.Create 1:1 1',
      'User.Update 1:1 1',
      'User.Reload 1:1 1',
      'User.Delete 1:1 1',
      'User.Reload 1:1 1',
    ],
  },
  {
    path: '/api/Site',
    input: { name: 'Shop' },
    changed: { name: 'Store' },
    raised: [
      'Site.Create 1:2 2',
      'Folder.Create 1:2 2',
      'Site.Update 1:2 2',
      'Site.Refresh 1:2 2',
      'Folder.Delete 1:2 2',
      'Site.Delete 1:2 2',
      'Site.Refresh 1:2 2',
    ],
  },
])(
  'raises what creating, changing and deleting at $path is about',
  async ({ path, input, changed, raised }) => {
    await using host = await openTestHost()

    const created = await host.send(path, { body: input })
    const location = created.headers.get('location') ?? ''
    expect(created.status).toBe(201)
    expect(await created.json()).toMatchObject(input)
    const updated = await host.send(location, { method: 'PUT', body: changed })
    expect(await updated.json()).toMatchObject(changed)
    expect(await (await host.send(location)).json()).toMatchObject(changed)
    expect((await host.send(path)).status).toBe(200)
    expect((await host.send(location, { method: 'DELETE' })).status).toBe(204)
    expect((await host.send(location)).status).toBe(404)

    expect((await eventTypes(host)).slice(1)).toEqual(raised)
  },
)

it('raises what uploading, changing and deleting a file is about, with the file itself', async () => {
  await using host = await openTestHost()
  const created = await upload(host, 'a.txt', 'content')
  const file = await jsonOf<object>(created)
  await host.send('/api/File/1', { method: 'PUT', body: { ...file, name: 'b.txt' } })
  await host.send('/api/File/1', { method: 'DELETE' })

  const events = (await host.events()).slice(1)
  expect(events.map(eventTypeOf)).toEqual(['File.Create', 'File.Update', 'File.Delete'])
  expect(events.map(({ data }) => data)).toEqual([
    file,
    { ...file, name: 'b.txt', $changed: ['name'] },
    { ...file, name: 'b.txt' },
  ])
})

it('raises nothing for a page whose path turns out to be taken', async () => {
  await using host = await openTestHost()
  await host.send('/api/Page', { body: { name: 'Home' } })
  const before = await eventTypes(host)

  const refused = await host.send('/api/Page', { body: { name: 'home' } })

  expect(refused.status).toBe(409)
  expect(await eventTypes(host)).toEqual(before)
  expect(await (await host.send('/api/Page')).json()).toHaveLength(1)
})

it('raises nothing for a page that cannot move to a path that is taken', async () => {
  await using host = await openTestHost()
  await host.send('/api/Page', { body: { name: 'Home' } })
  await host.send('/api/Page', { body: { name: 'News' } })
  const before = await eventTypes(host)

  const refused = await host.send('/api/Page/2', { method: 'PUT', body: { name: 'Home' } })

  expect(refused.status).toBe(409)
  expect(await eventTypes(host)).toEqual(before)
  expect(await (await host.send('/api/Page/2')).json()).toMatchObject({ name: 'News', path: 'news' })
})

it('raises nothing for what is still in use', async () => {
  await using host = await openTestHost()
  await host.send('/api/Folder', { body: { name: 'Pictures' } })
  await upload(host, 'a.txt', 'content', { fields: { folderId: '2' } })
  const before = await eventTypes(host)

  expect((await host.send('/api/Folder/2', { method: 'DELETE' })).status).toBe(409)
  expect((await host.send('/api/Folder/1', { method: 'DELETE' })).status).toBe(409)
  expect((await host.send('/api/Site/1', { method: 'DELETE' })).status).toBe(409)
  expect((await host.send('/api/Folder', { body: { name: 'Pictures' } })).status).toBe(409)
  expect(await eventTypes(host)).toEqual(before)
})
