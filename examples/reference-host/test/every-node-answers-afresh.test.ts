import { waitFor } from '@x/testkit'
import { expect, it, vi } from 'vitest'
import { jsonOf, openTestHost, type TestHost } from './open-test-host.ts'
import { runSqlElsewhere } from './run-sql-elsewhere.ts'
import { startMain } from './start-main.ts'

const ada = { username: 'ada', displayName: 'Ada', email: 'ada@example.org' }

/** A second node on the data of a host, in a process of its own; reads as the same administrator. */
async function startOtherNode({ host, dataDir }: TestHost) {
  const node = startMain({ HOST_DATA_DIR: dataDir })
  const url = await node.ready()
  const headers = { authorization: `Bearer ${host.adminToken}`, 'content-type': 'application/json' }
  return {
    read: <TBody>(path: string) => jsonOf<TBody>(fetch(url + path, { headers })),
    put: (path: string, body: object) =>
      fetch(url + path, { method: 'PUT', headers, body: JSON.stringify(body) }),
    [Symbol.asyncDispose]: () => node[Symbol.asyncDispose](),
  }
}

const nameOfSite = (host: TestHost) =>
  host
    .send('/api/Site/1')
    .then(jsonOf<{ name: string }>)
    .then(({ name }) => name)

// Hosts in processes of their own take long to start where much else is going on.
vi.setConfig({ testTimeout: 240_000 })

it('reads what was just written through the same node, whatever it has kept', async () => {
  await using host = await openTestHost()
  expect((await host.send('/api/User/1')).status).toBe(404)
  expect(await jsonOf(host.send('/api/Site/1/pages'))).toEqual([])

  await host.send('/api/User', { body: ada })
  await host.send('/api/Page', { body: { name: 'Home' } })
  expect(await jsonOf(host.send('/api/User/1'))).toMatchObject(ada)
  expect(await jsonOf(host.send('/api/Site/1/pages'))).toMatchObject([{ name: 'Home' }])

  for (const name of ['One', 'Two', 'Three']) {
    await host.send('/api/Site/1', { method: 'PUT', body: { name } })
    await host.send('/api/User/1', { method: 'PUT', body: { ...ada, displayName: name } })
    await host.send('/api/Page/1', { method: 'PUT', body: { name } })
    expect(await nameOfSite(host)).toBe(name)
    expect(await jsonOf(host.send('/api/User/1'))).toMatchObject({ displayName: name })
    expect(await jsonOf(host.send('/api/Site/1/pages'))).toMatchObject([{ name }])
  }

  await host.send('/api/User/1', { method: 'DELETE' })
  await host.send('/api/Page/1', { method: 'DELETE' })
  expect((await host.send('/api/User/1')).status).toBe(404)
  expect(await jsonOf(host.send('/api/Site/1/pages'))).toEqual([])
})

it('reads within a moment what was written through another node, or by another program', async () => {
  await using host = await openTestHost()
  await using other = await startOtherNode(host)
  await host.send('/api/User', { body: ada })
  await host.send('/api/Page', { body: { name: 'Home' } })
  const thereNow = async () => {
    const [site, user, pages] = await Promise.all([
      other.read<{ name: string }>('/api/Site/1'),
      other.read<{ displayName: string }>('/api/User/1'),
      other.read<{ title: string }[]>('/api/Site/1/pages'),
    ])
    return [site.name, user.displayName, pages[0]?.title]
  }
  expect(await thereNow()).toEqual(['Master', 'Ada', 'Home'])

  await host.send('/api/Site/1', { method: 'PUT', body: { name: 'Here' } })
  await host.send('/api/User/1', { method: 'PUT', body: { ...ada, displayName: 'Here' } })
  await host.send('/api/Page/1', { method: 'PUT', body: { name: 'Home', title: 'Here' } })
  await waitFor(async () => (await thereNow()).join() === 'Here,Here,Here', 'the changes on the other node')

  await runSqlElsewhere(
    host.dataDir,
    `update site set name = 'Elsewhere';
     update user set displayName = 'Elsewhere';
     update page set title = 'Elsewhere'`,
  )
  await waitFor(
    async () => (await thereNow()).join() === 'Elsewhere,Elsewhere,Elsewhere',
    'the changes of the program',
  )

  expect((await other.put('/api/Site/1', { name: 'There' })).status).toBe(200)
  await waitFor(async () => (await nameOfSite(host)) === 'There', 'the change on this node')
})

it('is left with no old answer by reads that overlap the changes', async () => {
  await using host = await openTestHost()
  await using other = await startOtherNode(host)
  let isChanging = true
  async function keepReading(read: () => Promise<unknown>): Promise<void> {
    while (isChanging) await read()
  }
  const there = () => other.read<{ name: string }>('/api/Site/1')
  const readers = [there, there, () => nameOfSite(host), () => nameOfSite(host)].map(keepReading)

  for (let change = 1; change <= 40; change += 1) {
    await host.send('/api/Site/1', { method: 'PUT', body: { name: `Change ${change}` } })
    expect(await nameOfSite(host)).toBe(`Change ${change}`)
  }
  await waitFor(async () => (await there()).name === 'Change 40', 'the last change on the other node')
  isChanging = false
  await Promise.all(readers)

  expect((await there()).name).toBe('Change 40')
  expect(await nameOfSite(host)).toBe('Change 40')
})

it('shows the pages of a site of the tenant, and of no other', async () => {
  await using host = await openTestHost()
  const { token, hostName } = await host.addTenant('second.test')
  await host.send('/api/Site', { body: { name: 'Shop' } })
  await host.send('/api/Page', { body: { name: 'Home' } })
  await host.send('/api/Page', { body: { name: 'Basket', siteId: 3 } })

  expect(await jsonOf(host.send('/api/Site/1/pages', { token: undefined }))).toMatchObject([{ name: 'Home' }])
  expect(await jsonOf(host.send('/api/Site/3/pages'))).toMatchObject([{ name: 'Basket' }])
  expect((await host.send('/api/Site/1/pages', { token, hostName })).status).toBe(404)
  expect((await host.send('/api/Site/1', { token, hostName })).status).toBe(404)
  expect((await host.send('/api/Site/9/pages')).status).toBe(404)
})
