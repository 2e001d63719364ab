import { eventTypeOf, type SyncEvent } from '@x/events-core'
import { temporaryFolder, testConsumer } from '@x/testkit'
import { sql } from 'kysely'
import { expect, it, vi } from 'vitest'
import { jsonOf, openTestHost, type TestHost, upload } from './open-test-host.ts'
import { runSqlElsewhere } from './run-sql-elsewhere.ts'
import { startMain } from './start-main.ts'

/** What has been raised since a host was opened, beside its start. */
async function eventsOf(host: TestHost): Promise<readonly SyncEvent[]> {
  return (await host.events()).filter(({ entityName }) => entityName !== 'Host')
}

function told({ siteKey, entityId, ...event }: SyncEvent): string {
  return `${eventTypeOf(event)} ${siteKey} ${entityId}`
}

async function addPages(host: TestHost, ...names: string[]): Promise<void> {
  for (const name of names) expect((await host.send('/api/Page', { body: { name } })).status).toBe(201)
}

// Hosts in processes of their own take long to start where much else is going on.
vi.setConfig({ testTimeout: 240_000 })

it('raises an event for each row that a bulk statement changes, and for no other', async () => {
  await using host = await openTestHost()
  await addPages(host, 'Home', 'News', 'Contact')
  const before = (await eventsOf(host)).length

  const { db } = host.host.services
  await sql`update page set title = 'Imported' where name <> 'News'`.execute(db)

  const events = (await eventsOf(host)).slice(before)
  expect(events.map(told)).toEqual(['Page.Update 1:1 1', 'Page.Update 1:1 3'])
  expect(events.map(({ data }) => data)).toMatchObject([
    { pageId: 1, name: 'Home', title: 'Imported', path: 'home', $changed: ['title'] },
    { pageId: 3, name: 'Contact', title: 'Imported', path: 'contact', $changed: ['title'] },
  ])
})

it('raises what another program changes while the host runs', async () => {
  await using host = await openTestHost()
  await addPages(host, 'Home')
  const before = (await eventsOf(host)).length

  await runSqlElsewhere(
    host.dataDir,
    `update page set title = 'Elsewhere';
     insert into user (tenantId, username, displayName, email) values (1, 'ada', 'Ada', 'ada@example.org');`,
  )

  const events = (await eventsOf(host)).slice(before)
  // Nobody came in by a site there, so that the user's event is of none.
  expect(events.map(told)).toEqual(['Page.Update 1:1 1', 'User.Create 1:-1 1'])
})

it('tells consumers what another program changed while no host was running', async () => {
  await using folder = await temporaryFolder()
  await using consumer = await testConsumer()
  {
    await using host = await openTestHost({ dataDir: folder.path })
    await addPages(host, 'Home')
    const body = { url: consumer.url, eventTypes: ['Page.*'] }
    expect((await host.send('/portal/api/endpoints', { body })).status).toBe(201)
    await host.host.services.sender.drain()
  }

  await runSqlElsewhere(folder.path, `update page set title = 'Elsewhere'`)
  expect(consumer.requests).toEqual([])

  await using _restarted = await openTestHost({ dataDir: folder.path })
  const [webhook] = await consumer.received(1)
  expect(JSON.parse(String(webhook?.rawBody))).toMatchObject({
    type: 'Page.Update',
    data: { siteKey: '1:1', entityId: 1, entity: { title: 'Elsewhere' } },
  })
})

it('raises nothing for what is rolled back, here or elsewhere', async () => {
  await using host = await openTestHost()
  await addPages(host, 'Home')
  const before = await host.events()

  const { db } = host.host.services
  const failed = db.transaction().execute(async (trx) => {
    await trx.updateTable('page').set({ title: 'Imported' }).execute()
    throw new Error('The import fails.')
  })
  await expect(failed).rejects.toThrow('The import fails.')
  await runSqlElsewhere(host.dataDir, `begin; update page set title = 'Elsewhere'; rollback`)

  expect(await host.events()).toEqual(before)
})

it('raises nothing for an update that changes nothing', async () => {
  await using host = await openTestHost()
  const user = { username: 'ada', displayName: 'Ada', email: 'ada@example.org' }
  await addPages(host, 'Home')
  await upload(host, 'a.txt', 'content')
  for (const [path, body] of [
    ['/api/User', user],
    ['/api/Folder', { name: 'Pictures' }],
    ['/api/Site', { name: 'Shop' }],
  ] as const) {
    expect((await host.send(path, { body })).status).toBe(201)
  }
  const before = await host.events()

  for (const path of ['/api/Page/1', '/api/File/1', '/api/User/1', '/api/Folder/2', '/api/Site/2']) {
    const same = await jsonOf<object>(host.send(path))
    const answer = await host.send(path, { method: 'PUT', body: same })
    expect([path, answer.status, await answer.json()]).toEqual([path, 200, same])
  }
  await sql`update page set title = title`.execute(host.host.services.db)

  expect(await host.events()).toEqual(before)
})

it('raises what a new tenant is about, once each and in order', async () => {
  await using host = await openTestHost()
  const before = (await host.events()).length

  await host.addTenant('second.test')

  const events = (await host.events()).slice(before)
  expect(events.map(told)).toEqual([
    'Tenant.Create 2:-1 2',
    'Site.Create 2:2 2',
    'Folder.Create 2:2 2',
    'Alias.Create 2:2 2',
  ])
})

it('attaches to an event what the API shows of its entity, and nothing that is private', async () => {
  await using host = await openTestHost()
  const user = { username: 'ada', displayName: 'Ada', email: 'ada@example.org' }
  await host.send('/api/User', { body: user })
  const file = await jsonOf<object>(await upload(host, 'a.txt', 'content'))
  await host.send('/api/User/1', { method: 'PUT', body: { ...user, email: 'private@example.org' } })

  const all = await eventsOf(host)
  const events = all.filter(({ action }) => action !== 'Reload')
  expect(events.map(told)).toEqual(['User.Create 1:1 1', 'File.Create 1:1 1', 'User.Update 1:1 1'])
  // Consumers may ask for the address with a token; it does not travel to every URL that was configured.
  const data = { userId: 1, tenantId: 1, username: 'ada', displayName: 'Ada' }
  expect(events.map((event) => event.data)).toEqual([data, file, { ...data, $changed: ['email'] }])
  expect(JSON.stringify(all)).not.toContain('example.org')
  expect(JSON.stringify(all)).not.toContain('storageKey')
})

it('raises the same once, however often and on however many nodes the host is started', async () => {
  await using folder = await temporaryFolder()
  await using other = startMain({ HOST_DATA_DIR: folder.path })
  await other.ready()
  for (const name of ['Home', 'News']) {
    await using host = await openTestHost({ dataDir: folder.path })
    await addPages(host, name)
    expect((await eventsOf(host)).map(eventTypeOf)).toEqual(['Page.Create', 'Site.Refresh'])
  }
})
