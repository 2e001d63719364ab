import { temporaryFolder, waitFor } from '@x/testkit'
import { postgresDatabase } from '@x/testkit/postgres'
import { expect, it, vi } from 'vitest'
import { onEachDatabase } from './each-database.ts'
import { jsonOf, openTestHost, type TestHost, upload } from './open-test-host.ts'
import { startMain } from './start-main.ts'

// Hosts in processes of their own take long to start where much else is going on.
vi.setConfig({ testTimeout: 480_000 })

/** How often a host is killed, and after how many changes. */
const ROUNDS = 2
const CHANGES = 6

type Row = Readonly<Record<string, string | number | null>>

/** Sends a request as the administrator; a body is sent as JSON. */
type Send = (path: string, method?: string, body?: object) => Promise<Response>

const ENTITIES = [
  ...([
    'Page',
    'Role',
    'Language',
    'UrlMapping',
    'Folder',
    'File',
    'Module',
    'PageModule',
    'Setting',
  ] as const),
]

/** What a site has, without ids: two sites with the same content are equal by it. */
async function contentOf(send: Send, siteId: number): Promise<string[]> {
  const all = Object.fromEntries(
    await Promise.all(
      ENTITIES.map(async (name) => {
        const rows = await jsonOf<Row[]>(send(`/api/${name}`))
        return [name, rows.filter((row) => row['siteId'] === siteId)] as const
      }),
    ),
  ) as Record<(typeof ENTITIES)[number], Row[]>
  const named = (rows: readonly Row[], key: string, id: unknown, name: string) =>
    rows.find((row) => row[key] === id)?.[name] ?? null
  const ownerOf = ({ entityName, entityId }: Row) => {
    if (entityName === 'Site') return entityId === siteId
    if (entityName === 'PageModule') return named(all.PageModule, 'pageModuleId', entityId, 'pane')
    if (entityName === 'Module') return named(all.Module, 'moduleId', entityId, 'title')
    if (entityName === 'Folder') return named(all.Folder, 'folderId', entityId, 'name')
    return named(all.Page, 'pageId', entityId, 'path')
  }
  const texts = [
    ...all.Page.map(({ name, title, path }) => ['Page', name, title, path]),
    ...all.Role.map(({ name }) => ['Role', name]),
    ...all.Language.map(({ code, name }) => ['Language', code, name]),
    ...all.UrlMapping.map(({ path, mappedPath }) => ['UrlMapping', path, mappedPath]),
    ...all.Module.map(({ title, content }) => ['Module', title, content]),
    ...all.Folder.map(({ name, parentId }) => [
      'Folder',
      name,
      named(all.Folder, 'folderId', parentId, 'name'),
    ]),
    ...all.File.map(({ name, size, contentType, folderId }) => [
      ...['File', name, size, contentType],
      named(all.Folder, 'folderId', folderId, 'name'),
    ]),
    ...all.PageModule.map(({ pageId, moduleId, pane }) => [
      ...['PageModule', pane],
      named(all.Page, 'pageId', pageId, 'path'),
      named(all.Module, 'moduleId', moduleId, 'title'),
    ]),
    ...all.Setting.filter(({ entityName }) => entityName !== 'User').map((setting) => [
      ...['Setting', setting['entityName'], setting['name'], setting['value']],
      ownerOf(setting),
    ]),
  ]
  return texts.map((text) => JSON.stringify(text)).sort()
}

async function waitUntilEqual(send: Send, siteId: number, own: readonly string[] = []): Promise<void> {
  let difference = ''
  await waitFor(async () => {
    const primary = await contentOf(send, 1)
    const copy = (await contentOf(send, siteId)).filter((text) => !own.some((name) => text.includes(name)))
    difference = JSON.stringify([
      primary.filter((text) => !copy.includes(text)),
      copy.filter((text) => !primary.includes(text)),
    ])
    return JSON.stringify(primary) === JSON.stringify(copy)
  }, `site ${siteId} to be equal`).catch((cause: unknown) => {
    throw new Error(`Missing and extra in site ${siteId}: ${difference}`, { cause })
  })
}

const sendTo =
  ({ send }: TestHost): Send =>
  (path, method = 'GET', body) =>
    send(path, { method, ...(body && { body }) })

async function add(send: Send, name: string, body: object): Promise<number> {
  const response = await send(`/api/${name}`, 'POST', body)
  expect([name, response.status]).toEqual([name, 201])
  const added = await jsonOf<Record<string, number>>(response)
  return added[`${name.charAt(0).toLowerCase()}${name.slice(1)}Id`] ?? 0
}

/** A second site, in a group with the first one as the primary. */
async function addSecondary(send: Send): Promise<{ siteId: number; memberId: number }> {
  const siteId = await add(send, 'Site', { name: 'Secondary' })
  const group = { name: 'Shops', type: 'Synchronization', primarySiteId: 1 }
  const siteGroupId = await add(send, 'SiteGroup', group)
  return { siteId, memberId: await add(send, 'SiteGroupMember', { siteGroupId, siteId }) }
}

onEachDatabase('copies what is there, then every change, and every deletion', async () => {
  await using host = await openTestHost()
  const send = sendTo(host)
  const home = await add(send, 'Page', { name: 'Home' })
  const about = await add(send, 'Page', { name: 'About' })
  const moduleId = await add(send, 'Module', { title: 'News', content: 'text' })
  const placed = await add(send, 'PageModule', { pageId: home, moduleId })
  const language = await add(send, 'Language', { code: 'de', name: 'Deutsch' })
  await add(send, 'Role', { name: 'Editors' })
  const pictures = await add(send, 'Folder', { name: 'Pictures' })
  await upload(host, 'a.txt', 'content', { fields: { folderId: String(pictures) } })
  const { siteId } = await addSecondary(send)
  await waitUntilEqual(send, siteId)

  await send(`/api/Page/${home}`, 'PUT', { name: 'Start', path: 'elsewhere' })
  await send(`/api/Page/${about}`, 'PUT', { name: 'About us', path: 'home' })
  await send(`/api/Page/${home}`, 'PUT', { name: 'Start', path: 'about' })
  await send(`/api/PageModule/${placed}`, 'PUT', { pageId: about, moduleId, pane: 'Footer' })
  await send(`/api/Language/${language}`, 'DELETE')
  await send('/api/File/1', 'PUT', { name: 'b.txt', folderId: 1 })
  await send(`/api/Folder/${pictures}`, 'DELETE')
  await add(send, 'UrlMapping', { path: 'old', mappedPath: 'home' })
  await waitUntilEqual(send, siteId)

  const files = await jsonOf<{ fileId: number }[]>(send('/api/File'))
  expect(await (await send(`/api/File/download/${files.at(-1)?.fileId}`)).text()).toBe('content')
  await send(`/api/Module/${moduleId}`, 'DELETE')
  await send('/api/File/1', 'DELETE')
  await send(`/api/Page/${home}`, 'DELETE')
  await waitUntilEqual(send, siteId)
  expect((await contentOf(send, siteId)).filter((text) => text.includes('Page'))).toEqual([
    '["Page","About us","About us","home"]',
  ])
})

onEachDatabase('copies the settings of a site and of what it shows', async () => {
  await using host = await openTestHost()
  const send = sendTo(host)
  const set = (entityName: string, entityId: number, name: string, value: string) =>
    add(send, 'Setting', { entityName, entityId, name, value })
  const pageId = await add(send, 'Page', { name: 'Home' })
  const moduleId = await add(send, 'Module', { title: 'News', content: 'text' })
  const pageModuleId = await add(send, 'PageModule', { pageId, moduleId })
  const folderId = await add(send, 'Folder', { name: 'Pictures' })
  const colour = await set('Site', 1, 'Colour', 'blue')
  const width = await set('Page', pageId, 'Width', '80')
  await set('PageModule', pageModuleId, 'Title', 'hidden')
  const { siteId } = await addSecondary(send)
  await waitUntilEqual(send, siteId)

  await set('Module', moduleId, 'Count', '5')
  await set('Folder', folderId, 'Quota', '10')
  // A person belongs to all sites, and has settings once.
  await set(
    'User',
    await add(send, 'User', { username: 'ada', displayName: 'Ada', email: 'ada@example.com' }),
    'Zone',
    'UTC',
  )
  await send(`/api/Setting/${colour}`, 'PUT', {
    entityName: 'Site',
    entityId: 1,
    name: 'Colour',
    value: 'red',
  })
  await send(`/api/Setting/${width}`, 'PUT', {
    entityName: 'Page',
    entityId: pageId,
    name: 'Height',
    value: '8',
  })
  await set('Page', pageId, 'Width', '90')
  await waitUntilEqual(send, siteId)
  expect((await contentOf(send, siteId)).filter((text) => text.includes('Setting'))).toEqual([
    '["Setting","Folder","Quota","10","Pictures"]',
    '["Setting","Module","Count","5","News"]',
    '["Setting","Page","Height","8","home"]',
    '["Setting","Page","Width","90","home"]',
    '["Setting","PageModule","Title","hidden","Content"]',
    '["Setting","Site","Colour","red",true]',
  ])

  await send(`/api/Setting/${colour}`, 'DELETE')
  await send(`/api/Setting/${width}`, 'DELETE')
  await waitUntilEqual(send, siteId)
  expect((await contentOf(send, siteId)).filter((text) => text.includes('Setting'))).toHaveLength(4)
  // What belongs to a page, or is part of it, goes with it.
  await send(`/api/Page/${pageId}`, 'DELETE')
  await waitUntilEqual(send, siteId)
  expect((await contentOf(send, siteId)).filter((text) => text.includes('Setting'))).toEqual([
    '["Setting","Folder","Quota","10","Pictures"]',
    '["Setting","Module","Count","5","News"]',
  ])
  expect(await host.host.services.engine.subscriptions.parked('site-synchronization')).toEqual([])
})

onEachDatabase('makes the same of old events, whatever has come since', async () => {
  await using host = await openTestHost()
  const send = sendTo(host)
  const { subscriptions } = host.host.services.engine
  const folders: number[] = []
  for (const name of ['Old', 'New']) folders.push(await add(send, 'Folder', { name }))
  const inner = await add(send, 'Folder', { name: 'Inner', parentId: folders[0] })
  await upload(host, 'a.txt', 'content', { fields: { folderId: String(inner) } })
  const { siteId } = await addSecondary(send)
  await waitUntilEqual(send, siteId)

  await subscriptions.pause('site-synchronization')
  await send('/api/File/1', 'PUT', { name: 'b.txt', folderId: folders[1] })
  await send(`/api/Folder/${inner}`, 'DELETE')
  await send(`/api/Folder/${folders[0]}`, 'DELETE')
  // Its first events are those of folders that are gone, while the copy of the file still lies in one.
  await subscriptions.rewind('site-synchronization', 'start')
  await subscriptions.resume('site-synchronization')
  await waitUntilEqual(send, siteId)
  expect(await subscriptions.parked('site-synchronization')).toEqual([])
})

onEachDatabase('puts copies right again, and leaves alone what a secondary site has besides', async () => {
  await using host = await openTestHost()
  const send = sendTo(host)
  await add(send, 'Page', { name: 'Home' })
  await add(send, 'Page', { name: 'About' })
  const { siteId, memberId } = await addSecondary(send)
  await waitUntilEqual(send, siteId)
  await add(send, 'Page', { name: 'Own', siteId })
  const copies = (await jsonOf<Row[]>(send('/api/Page'))).filter((page) => page['siteId'] === siteId)
  await send(`/api/Page/${copies[0]?.['pageId']}`, 'PUT', { name: 'Changed' })
  await send(`/api/Page/${copies[1]?.['pageId']}`, 'DELETE')
  await waitUntilEqual(send, siteId, ['Own'])

  // A site that has left keeps what it has, and hears of nothing more.
  const last = await add(send, 'Site', { name: 'Third' })
  await add(send, 'SiteGroupMember', { siteGroupId: 1, siteId: last })
  await send(`/api/SiteGroupMember/${memberId}`, 'DELETE')
  await add(send, 'Page', { name: 'News' })
  await waitUntilEqual(send, last)
  const left = (await contentOf(send, siteId)).filter((text) => text.includes('"Page"'))
  expect(left).toHaveLength(3)
  expect(left.join()).not.toContain('News')
  expect(await host.host.services.engine.subscriptions.parked('site-synchronization')).toEqual([])
})

it.each(['sqlite', 'postgres'] as const)(
  'is equal in the end, whenever hosts are killed (%s)',
  async (dialect) => {
    await using folder = await temporaryFolder()
    await using database = dialect === 'postgres' ? await postgresDatabase() : undefined
    const token = 'the-token-of-a-test-of-kills'
    const env = {
      HOST_DATA_DIR: folder.path,
      ADMIN_TOKEN: token,
      ...(database && { DATABASE_URL: database.url }),
    }
    const sendVia =
      (url: string): Send =>
      (path, method = 'GET', body) =>
        fetch(url + path, {
          method,
          headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
          ...(body && { body: JSON.stringify(body) }),
        })
    let siteId = 0
    const pages: number[] = []
    for (let round = 0; round < ROUNDS; round += 1) {
      await using host = startMain(env)
      const send = sendVia(await host.ready())
      if (round === 0) ({ siteId } = await addSecondary(send))
      for (let change = 0; change < CHANGES; change += 1) {
        const name = `Page ${round}-${change}`
        pages.push(await add(send, 'Page', { name }))
        const form = new FormData()
        form.set('file', new Blob([name]), `${name}.txt`)
        const headers = { authorization: `Bearer ${token}` }
        const url = `${await host.ready()}/api/File/upload`
        expect((await fetch(url, { method: 'POST', headers, body: form })).status).toBe(201)
        await add(send, 'Setting', { entityName: 'Page', entityId: pages.at(-1), name: 'Width', value: name })
        if (change % 2 === 1) await send(`/api/Page/${pages.at(-2)}`, 'PUT', { name: `${name} renamed` })
        if (change % 3 === 2) await send(`/api/Page/${pages.splice(-3, 1)[0]}`, 'DELETE')
      }
      // In the middle of what follows from these changes: nothing is waited for.
      await host[Symbol.asyncDispose]()
    }
    await using host = startMain(env)
    const send = sendVia(await host.ready())
    await waitUntilEqual(send, siteId)
    const content = await contentOf(send, siteId)
    expect(content.filter((text) => text.startsWith('["Page"'))).toHaveLength(pages.length)
    expect(content.filter((text) => text.startsWith('["File"'))).toHaveLength(ROUNDS * CHANGES)
  },
)
