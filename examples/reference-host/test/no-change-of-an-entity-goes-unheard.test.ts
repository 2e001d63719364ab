import { join } from 'node:path'
import { eventTypeOf } from '@x/events-core'
import { waitFor } from '@x/testkit'
import Database from 'better-sqlite3'
import { sql } from 'kysely'
import { expect, it } from 'vitest'
import { jsonOf, openTestHost, type TestHost } from './open-test-host.ts'
import { startMain } from './start-main.ts'

const told = async (host: TestHost, after: number) =>
  (await host.events())
    .slice(after)
    .map((event) => `${eventTypeOf(event)} ${event.siteKey} ${event.entityId}`)

it('raises an event for each row that a bulk statement changes, and none for one that stays as it is', async () => {
  await using host = await openTestHost()
  for (const name of ['Home', 'News', 'About']) await host.send('/api/Page', { body: { name } })
  const before = (await host.events()).length
  await sql`update page set title = 'News' where "pageId" in (1, 2)`.execute(host.host.services.db)
  expect(await told(host, before)).toEqual(['Page.Update 1:1 1'])
})

it('raises what another program has changed in the database', async () => {
  await using host = await openTestHost()
  const before = (await host.events()).length
  const other = new Database(join(host.dataDir, 'host.db'))
  other
    .prepare(
      `insert into user ("tenantId", username, "displayName", email) values (1, 'ada', 'Ada', 'a@b.example')`,
    )
    .run()
  other.prepare('delete from user').run()
  other.close()
  expect(await told(host, before)).toEqual(['User.Create 1:-1 1', 'User.Delete 1:-1 1'])
})

it('raises nothing twice, and never tells where the bytes of a file are kept', async () => {
  await using host = await openTestHost()
  const before = (await host.events()).length
  await sql`insert into file ("tenantId", "siteId", "folderId", name, "contentType", size, "createdOn", "storageKey")
    values (1, 1, 1, 'a.txt', 'text/plain', 1, '2026-11-24', 'secret-key')`.execute(host.host.services.db)
  const events = (await host.events()).slice(before)
  expect(events.map(eventTypeOf)).toEqual(['File.Create'])
  expect(JSON.stringify(events)).not.toContain('secret-key')
})

it('raises nothing about what exists when it is started again', async () => {
  await using host = await openTestHost()
  await host.send('/api/Page', { body: { name: 'Home' } })
  const before = (await host.events()).length
  await using again = startMain({ HOST_DATA_DIR: host.dataDir })
  const url = await again.ready()
  expect((await fetch(`${url}/api/Page/1`)).status).toBe(200)
  await waitFor(async () => (await host.events()).length > before, 'the start of the other host')
  expect(await told(host, before)).toEqual(['Host.Reload -1:-1 -1'])
})

it('answers afresh, on every node, once any of them or another program has changed something', async () => {
  await using host = await openTestHost()
  await using other = startMain({ HOST_DATA_DIR: host.dataDir })
  const otherUrl = await other.ready()
  const here = () => jsonOf<{ name: string }>(host.send('/api/Site/1'))
  const there = () => jsonOf<{ name: string }>(fetch(`${otherUrl}/api/Site/1`))
  const { name } = await here()
  expect((await there()).name).toBe(name)

  await host.send('/api/Site/1', { method: 'PUT', body: { name: 'Changed here' } })
  expect((await here()).name, 'read by who has just written').toBe('Changed here')
  await waitFor(async () => (await there()).name === 'Changed here', 'the change on the other node')

  await sql`update site set name = 'Changed by hand'`.execute(host.host.services.db)
  await waitFor(async () => (await here()).name === 'Changed by hand', 'the change on this node')
  await waitFor(async () => (await there()).name === 'Changed by hand', 'the change on the other node')
})

it('reads users afresh, too, and those that are gone not at all', async () => {
  await using host = await openTestHost()
  expect((await host.send('/api/User/1')).status).toBe(404)
  const user = { username: 'ada', displayName: 'Ada', email: 'ada@example.org' }
  await host.send('/api/User', { body: user })
  expect(await jsonOf(host.send('/api/User/1'))).toMatchObject(user)
  await host.send('/api/User/1', { method: 'PUT', body: { ...user, displayName: 'Ada L.' } })
  expect(await jsonOf(host.send('/api/User/1'))).toMatchObject({ displayName: 'Ada L.' })
  await sql`delete from user`.execute(host.host.services.db)
  await waitFor(async () => (await host.send('/api/User/1')).status === 404, 'the user to be gone')
})
