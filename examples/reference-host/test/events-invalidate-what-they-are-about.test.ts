import { createSyncEvent } from '@x/events-core'
import { expect, it } from 'vitest'
import { createHostCache, userKeyOf } from '../src/cache/host-cache.ts'
import { CacheInvalidationEventSubscriber } from '../src/subscribers/cache-invalidation-event-subscriber.ts'

/** Fills a cache, lets the subscriber hear of an event, and answers which entries are gone. */
async function gone(type: string, siteId: number, entityId: number, tenantId = 1): Promise<string[]> {
  const cache = createHostCache()
  const user = { tenantId: 1, userId: 5, username: 'ada', displayName: 'Ada', email: 'ada@example.org' }
  const readUser = () => cache.users.read(userKeyOf(user, 5), async () => ({ ...user }))
  const entries: { readonly name: string; read(): Promise<object | undefined> }[] = [
    { name: 'user', read: readUser },
  ]
  for (const siteKey of ['1:7', '1:8']) {
    const readSite = () => cache.sites.read(siteKey, async () => ({ siteId: 7, tenantId: 1, name: '' }))
    const readPages = () => cache.sitePages.read(siteKey, async () => [])
    entries.push({ name: `site ${siteKey}`, read: readSite }, { name: `pages ${siteKey}`, read: readPages })
  }
  const before = await Promise.all(entries.map(({ read }) => read()))

  const [entityName = '', action = ''] = type.split('.')
  const event = { id: 'evt_1', tenantId, siteId, entityName, entityId, action, modifiedOn: new Date() }
  new CacheInvalidationEventSubscriber(cache).entityChanged(createSyncEvent(event))

  const after = await Promise.all(entries.map(({ read }) => read()))
  return entries.filter((_entry, index) => before[index] !== after[index]).map(({ name }) => name)
}

it.each(['Site.Refresh', 'Site.Reload', 'Site.Update', 'Site.Delete'])(
  'removes the site and its pages upon %s',
  async (type) => {
    expect(await gone(type, 7, 7)).toEqual(['site 1:7', 'pages 1:7'])
  },
)

it.each(['Page.Create', 'Page.Update', 'Page.Delete'])(
  'removes the pages of the site upon %s',
  async (type) => {
    expect(await gone(type, 8, 3)).toEqual(['pages 1:8'])
  },
)

it.each([7, -1])('removes a user whichever site (%i) the change came in by', async (siteId) => {
  expect(await gone('User.Update', siteId, 5)).toEqual(['user'])
  expect(await gone('User.Update', siteId, 6)).toEqual([])
})

it('removes every site when no single one is meant', async () => {
  expect(await gone('Site.Refresh', -1, -1)).toEqual(['site 1:7', 'pages 1:7', 'site 1:8', 'pages 1:8'])
})

it('keeps what another tenant’s event is about', async () => {
  expect(await gone('Site.Update', 7, 7, 2)).toEqual([])
  expect(await gone('User.Update', 7, 5, 2)).toEqual([])
})
