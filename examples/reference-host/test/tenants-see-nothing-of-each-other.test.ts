import { expect } from 'vitest'
import { onEachDatabase } from './each-database.ts'
import { jsonOf, openTestHost, upload } from './open-test-host.ts'

const user = { username: 'ada', displayName: 'Ada', email: 'ada@example.org' }

onEachDatabase('finds nothing of another tenant by its id', async () => {
  await using host = await openTestHost()
  const { token, hostName } = await host.addTenant('second.test')
  await upload(host, 'secret.txt', 'secret')
  await host.send('/api/Page', { body: { name: 'Home' } })
  await host.send('/api/User', { body: user })
  const before = await host.events()

  for (const path of ['/api/Site/1', '/api/Folder/1', '/api/File/1', '/api/Page/1', '/api/User/1']) {
    const body = { ...user, name: 'Mine', folderId: 1 }
    for (const request of [{}, { method: 'PUT', body }, { method: 'DELETE' }]) {
      const answer = await host.send(path, { token, hostName, ...request })
      expect.soft([path, request.method, answer.status]).toEqual([path, request.method, 404])
    }
  }
  for (const path of ['/api/File/download/1', '/api/File/1/downloads']) {
    expect.soft((await host.send(path, { token, hostName })).status, path).toBe(404)
  }
  expect((await upload(host, 'a.txt', 'a', { token, hostName, fields: { folderId: '1' } })).status).toBe(404)
  expect((await host.send('/api/Page', { token, hostName, body: { name: 'A', siteId: 1 } })).status).toBe(404)
  expect((await host.send('/api/Folder', { token, hostName, body: { name: 'A', parentId: 1 } })).status).toBe(
    404,
  )
  expect(await host.events()).toEqual(before)
})

onEachDatabase('lists what belongs to the tenant alone', async () => {
  await using host = await openTestHost()
  const { token, hostName, siteId } = await host.addTenant('second.test')
  await upload(host, 'secret.txt', 'secret')
  await host.send('/api/User', { body: user })

  for (const path of ['/api/File', '/api/Page', '/api/User']) {
    expect.soft(await (await host.send(path, { token, hostName })).json(), path).toEqual([])
  }
  expect(await (await host.send('/api/Site', { token, hostName })).json()).toMatchObject([{ siteId }])
  expect(await (await host.send('/api/Site')).json()).toMatchObject([{ siteId: 1 }])
})

onEachDatabase('takes the token of another tenant nowhere', async () => {
  await using host = await openTestHost()
  const { token } = await host.addTenant('second.test')

  for (const path of ['/api/Site', '/api/Site/1', '/api/User', '/api/File/download/1']) {
    expect.soft((await host.send(path, { token })).status, path).toBe(403)
  }
  expect((await host.send('/api/Page', { token, body: { name: 'A' } })).status).toBe(403)
})

onEachDatabase(
  'keeps the sync events of tenants apart, and tells all of them what concerns all',
  async () => {
    await using host = await openTestHost()
    const { hostName } = await host.addTenant('second.test')
    await host.send('/api/Page', { body: { name: 'Home' } })

    const asked = host.send('/api/Sync/20200101000000000', { hostName, token: undefined })
    const sync = await jsonOf<{ syncEvents: unknown[] }>(asked)
    expect(sync.syncEvents).toMatchObject([{ entityName: 'Host', action: 'Reload' }])
  },
)

onEachDatabase('lets two tenants use the same names', async () => {
  await using host = await openTestHost()
  const { token, hostName } = await host.addTenant('second.test')
  for (const request of [{}, { token, hostName }]) {
    expect((await host.send('/api/User', { ...request, body: user })).status).toBe(201)
    expect((await host.send('/api/Page', { ...request, body: { name: 'Home' } })).status).toBe(201)
    expect((await upload(host, 'a.txt', 'a', request)).status).toBe(201)
  }
})
