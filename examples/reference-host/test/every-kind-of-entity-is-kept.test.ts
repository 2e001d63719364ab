import { eventTypeOf } from '@x/events-core'
import { expect } from 'vitest'
import { entities } from '../src/entities/entities.ts'
import { onEachDatabase } from './each-database.ts'
import { jsonOf, openTestHost, type TestHost } from './open-test-host.ts'

const ada = { username: 'ada', displayName: 'Ada', email: 'ada@example.org' }

interface Sample {
  /** What its events are raised as, where it is another name than its own. */
  readonly raisedAs?: string
  readonly input: object
  readonly changed: object
  /** What is raised beside the entity's own event. */
  readonly also?: string
}

/** In the order in which they refer to each other; each is the first of its kind. */
const samples = {
  Alias: { input: { name: 'WWW.example.org' }, changed: { name: 'example.org:8080' } },
  Role: { input: { name: 'Editors' }, changed: { name: 'Authors' } },
  UserRole: {
    input: { userId: 1, roleId: 1 },
    changed: { userId: 2, roleId: 1 },
    also: 'User.Reload',
  },
  Setting: {
    raisedAs: 'SiteSetting',
    also: 'Site.Refresh',
    input: { entityName: 'Site', entityId: 1, name: 'Theme', value: 'dark' },
    changed: { entityName: 'Site', entityId: 1, name: 'Theme', value: 'light' },
  },
  Module: {
    input: { title: 'News', content: '<b>one</b>\ntwo' },
    changed: { title: 'Old news' },
    also: 'Site.Refresh',
  },
  PageModule: {
    input: { pageId: 1, moduleId: 1 },
    changed: { pageId: 1, moduleId: 1, pane: 'Footer', position: 2 },
    also: 'Site.Refresh',
  },
  Notification: {
    input: { toUserId: 1, subject: 'Hello', body: 'secret' },
    changed: { toUserId: 1, subject: 'Hello again' },
  },
  Language: {
    input: { code: 'de', name: 'Deutsch' },
    changed: { code: 'de-AT', name: 'Deutsch' },
    also: 'Site.Refresh',
  },
  UrlMapping: {
    input: { path: 'old', mappedPath: 'new' },
    changed: { path: 'old', mappedPath: 'newer' },
  },
  Profile: { input: { name: 'city', title: 'City' }, changed: { name: 'city', title: 'Town' } },
  Theme: {
    input: { name: 'Plain', version: '1.0.0' },
    changed: { name: 'Plain', version: '1.1.0' },
    also: 'Site.Refresh',
  },
  ModuleDefinition: {
    input: { name: 'Blog', version: '1.0.0' },
    changed: { name: 'Blog', version: '1.1.0' },
    also: 'Site.Refresh',
  },
  SiteGroup: {
    input: { name: 'Shops', type: 'Localization', primarySiteId: 1 },
    changed: { name: 'Stores', type: 'Localization', primarySiteId: 1 },
  },
  SiteGroupMember: {
    input: { siteGroupId: 1, siteId: 1 },
    changed: { siteGroupId: 2 },
    also: 'Site.Refresh',
  },
} satisfies Record<string, Sample>

/** Those of the samples, in their order. */
const kinds = Object.keys(samples).flatMap((name) => entities.filter((entity) => entity.name === name))

async function addReferred(host: TestHost): Promise<void> {
  for (const body of [ada, { ...ada, username: 'bob' }]) await host.send('/api/User', { body })
  expect((await host.send('/api/Page', { body: { name: 'Home' } })).status).toBe(201)
  const group = { name: 'Others', type: 'Localization', primarySiteId: 1 }
  expect((await host.send('/api/SiteGroup', { body: group })).status).toBe(201)
}

onEachDatabase('adds, reads, changes and removes each, and tells of it', async () => {
  await using host = await openTestHost()
  const { token, hostName } = await host.addTenant('second.test')
  await addReferred(host)
  const told: string[] = []
  let seen = (await host.events()).length
  const newEvents = async () => {
    const events = (await host.events()).slice(seen)
    seen += events.length
    return events
  }

  for (const { name: entityName, key, isPublic, schema } of kinds) {
    const {
      input,
      changed,
      also,
      raisedAs = entityName,
    }: Sample = samples[entityName as keyof typeof samples]
    const path = `/api/${entityName}`
    const added = await host.send(path, { body: input })
    const text = await added.text()
    expect([entityName, added.status, text]).toEqual([entityName, 201, expect.any(String)])
    const entity = JSON.parse(text) as Record<string, number>
    expect(schema.strict().safeParse(entity).error).toBeUndefined()
    const one = `${path}/${entity[key]}`
    expect(added.headers.get('location')).toBe(one)
    expect(await jsonOf(host.send(one))).toEqual(entity)
    expect(await jsonOf(host.send(path))).toContainEqual(entity)
    expect((await host.send(path, { token: undefined })).status).toBe(isPublic ? 200 : 401)

    const own = { token, hostName }
    expect((await host.send(one, own)).status).toBe(404)
    expect((await host.send(one, { ...own, method: 'PUT', body: changed })).status).toBe(404)
    expect((await host.send(one, { ...own, method: 'DELETE' })).status).toBe(404)
    expect(JSON.stringify(await jsonOf(host.send(path, own)))).not.toContain(
      JSON.stringify(input).slice(1, -1),
    )

    const put = await host.send(one, { method: 'PUT', body: changed })
    expect([put.status, await put.json()]).toEqual([200, expect.objectContaining({ [key]: entity[key] })])
    // The same again is no change.
    expect((await host.send(one, { method: 'PUT', body: changed })).status).toBe(200)
    const types = (await newEvents()).map(eventTypeOf).sort()
    const expected = [`${raisedAs}.Create`, `${raisedAs}.Update`, ...(also ? [also, also] : [])]
    expect(types).toEqual(expected.sort())
    told.push(one)
  }

  for (const one of told.toReversed()) {
    expect((await host.send(one, { method: 'DELETE' })).status).toBe(204)
    expect((await host.send(one)).status).toBe(404)
  }
  const deleted = (await newEvents()).map(eventTypeOf).filter((type) => type.endsWith('.Delete'))
  const names = Object.entries(samples).map(([name, { raisedAs = name }]: [string, Sample]) => raisedAs)
  expect(deleted).toEqual(names.map((name) => `${name}.Delete`).toReversed())
})

onEachDatabase('lets nothing refer to what is another tenant’s, or to nothing', async () => {
  await using host = await openTestHost()
  const { token, hostName } = await host.addTenant('second.test')
  await addReferred(host)
  for (const entityName of ['Role', 'Module'] as const) {
    await host.send(`/api/${entityName}`, { body: samples[entityName].input })
  }
  const before = await host.events()

  for (const [entityName, body] of [
    ['Role', { name: 'Mine', siteId: 1 }],
    ['UserRole', samples.UserRole.input],
    ['Setting', samples.Setting.input],
    ['Module', { title: 'Mine', siteId: 1 }],
    ['PageModule', samples.PageModule.input],
    ['Notification', samples.Notification.input],
    ['Language', { ...samples.Language.input, siteId: 1 }],
    ['UrlMapping', { ...samples.UrlMapping.input, siteId: 1 }],
    ['Alias', { name: 'mine.test', siteId: 1 }],
    ['SiteGroup', samples.SiteGroup.input],
    ['SiteGroupMember', samples.SiteGroupMember.input],
  ] as const) {
    const answer = await host.send(`/api/${entityName}`, { token, hostName, body })
    expect.soft([entityName, answer.status]).toEqual([entityName, 404])
  }
  expect((await host.send('/api/UserRole', { body: { userId: 99, roleId: 1 } })).status).toBe(404)
  expect(await host.events()).toEqual(before)
})

onEachDatabase('tells of everything that goes with a user', async () => {
  await using host = await openTestHost()
  await addReferred(host)
  await host.send('/api/Role', { body: { name: 'Editors' } })
  await host.send('/api/UserRole', { body: { userId: 1, roleId: 1 } })
  await host.send('/api/Notification', { body: samples.Notification.input })
  const before = (await host.events()).length

  expect((await host.send('/api/User/1', { method: 'DELETE' })).status).toBe(204)

  const types = (await host.events()).slice(before).map(eventTypeOf)
  expect(types.sort()).toEqual(['Notification.Delete', 'User.Delete', 'User.Reload', 'UserRole.Delete'])
})

onEachDatabase('reaches a site under a name from when it is added to when it is removed', async () => {
  await using host = await openTestHost()
  await host.addTenant('second.test')
  const { siteId } = await jsonOf<{ siteId: number }>(host.send('/api/Site', { body: { name: 'Shop' } }))
  const body = { name: 'shop.test', siteId }
  const { aliasId } = await jsonOf<{ aliasId: number }>(host.send('/api/Alias', { body }))
  await host.send('/api/Page', { hostName: 'shop.test', body: { name: 'Basket' } })

  expect(await jsonOf(host.send(`/api/Site/${siteId}/pages`))).toMatchObject([{ name: 'Basket' }])
  expect((await host.send('/api/Alias', { body: { name: 'second.test' } })).status).toBe(409)
  expect((await host.send(`/api/Alias/${aliasId}`, { method: 'DELETE' })).status).toBe(204)
  await host.send('/api/Page', { hostName: 'shop.test', body: { name: 'Elsewhere' } })
  expect(await jsonOf(host.send('/api/Site/1/pages'))).toMatchObject([{ name: 'Elsewhere' }])
})

onEachDatabase('shows a tenant itself alone', async () => {
  await using host = await openTestHost()
  const { token, hostName, tenantId } = await host.addTenant('second.test')
  const own = { token, hostName }
  expect(await jsonOf(host.send('/api/Tenant', own))).toEqual([{ tenantId, name: 'second.test' }])
  expect((await host.send('/api/Tenant/1', own)).status).toBe(404)
  expect((await host.send('/api/Tenant/1', { ...own, method: 'PUT', body: { name: 'Mine' } })).status).toBe(
    404,
  )
  expect((await host.send('/api/Tenant', { ...own, body: { name: 'Third' } })).status).toBe(404)
  const renamed = host.send(`/api/Tenant/${tenantId}`, { ...own, method: 'PUT', body: { name: 'Second' } })
  expect(await jsonOf(renamed)).toEqual({ tenantId, name: 'Second' })
})
