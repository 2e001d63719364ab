import { createSyncClient, followSite, shareTabs } from '/assets/client.js'
import { ask, authorization, token } from './api.js'
import { createEditor } from './editor.js'
import { createList } from './list.js'

const part = (id) => document.getElementById(id)
const EVENTS_SHOWN = 20
const STATES = {
  idle: 'not connected',
  connecting: 'connecting',
  live: 'live',
  polling: 'asking every few seconds',
  waiting: 'the host does not answer',
}

/** Does something, and shows why it did not work where it did not. */
async function guard(work) {
  part('problem').hidden = true
  try {
    await work()
  } catch (error) {
    part('problem').textContent = error.message
    part('problem').hidden = false
  }
}

const editor = createEditor({ form: part('editor'), guard })

const pages = createList({
  list: part('pages'),
  empty: part('no-pages'),
  idOf: ({ pageId }) => pageId,
  fill(item, page) {
    const title = document.createElement(token.get() ? 'button' : 'span')
    title.textContent = page.title
    title.className = 'link'
    title.addEventListener('click', () => token.get() && editor.open(page))
    const path = document.createElement('small')
    path.textContent = `/${page.path}`
    item.append(title, path)
  },
})

const files = createList({
  list: part('files'),
  empty: part('no-files'),
  idOf: ({ fileId }) => fileId,
  fill(item, file) {
    const link = document.createElement('a')
    link.href = `/api/File/download/${file.fileId}`
    link.download = file.name
    link.textContent = file.name
    const size = document.createElement('small')
    size.textContent = `${file.size.toLocaleString('en')} bytes`
    item.append(link, size)
  },
})

function showEvent({ id, entityName, entityId, action, modifiedOn }) {
  const item = document.createElement('li')
  item.dataset.id = id
  const what = document.createElement('span')
  what.textContent = `${entityName} ${entityId} ${action}`
  const when = document.createElement('small')
  when.textContent = modifiedOn.toLocaleTimeString()
  item.append(what, when)
  part('events').prepend(item)
  while (part('events').children.length > EVENTS_SHOWN) part('events').lastChild.remove()
}

function showSite({ name }) {
  part('site').textContent = name
  document.title = name
}

async function showAll(site) {
  showSite(site)
  const [sitePages, allFiles] = await Promise.all([ask(`/api/Site/${site.siteId}/pages`), ask('/api/File')])
  pages.setAll(sitePages)
  files.setAll(allFiles.filter(({ siteId }) => siteId === site.siteId))
}

function showWhoIsThere() {
  const isSignedIn = token.get() !== null
  part('sign-in').hidden = isSignedIn
  for (const id of ['sign-out', 'new-page', 'upload']) part(id).hidden = !isSignedIn
}

part('sign-in').addEventListener('submit', (event) => {
  event.preventDefault()
  guard(async () => {
    token.set(part('token').value.trim())
    try {
      // What only administrators may read tells whether the token is one.
      await ask('/api/User')
    } catch (error) {
      token.set(null)
      throw error
    }
    location.reload()
  })
})
part('sign-out').addEventListener('click', () => {
  token.set(null)
  location.reload()
})
part('new-page').addEventListener('click', () => editor.open(undefined))
part('upload').addEventListener('submit', (event) => {
  event.preventDefault()
  guard(async () => {
    await ask('/api/File/upload', { method: 'POST', body: new FormData(part('upload')) })
    part('upload').reset()
  })
})

await guard(async () => {
  showWhoIsThere()
  const site = await ask('/api/Site/current')
  const siteKey = `${site.tenantId}:${site.siteId}`
  const client = createSyncClient({
    url: '/api/Sync',
    siteKey,
    headers: authorization,
    // Who is signed in hears of more than who is not.
    tabs: shareTabs({ group: token.get() === null ? 'visitors' : 'administrators' }),
  })
  let isLoaded = false
  client.on('state', ({ state }) => {
    part('connection').textContent = STATES[state]
    part('connection').dataset.state = state
    // Not before: what happens while it is loaded is told as well.
    if (isLoaded || (state !== 'live' && state !== 'polling')) return
    isLoaded = true
    return guard(() => showAll(site))
  })
  client.on('entityChanged', showEvent)
  client.on('Page.*', ({ entityId, action }) =>
    guard(async () => {
      const page = action === 'Delete' ? undefined : await ask(`/api/Page/${entityId}`)
      pages.set(entityId, page)
      editor.changed(entityId, page)
    }),
  )
  client.on('File.*', ({ entityId, action }) =>
    guard(async () => {
      if (action === 'Download') return
      files.set(entityId, action === 'Delete' ? undefined : await ask(`/api/File/${entityId}`))
    }),
  )
  client.on('Site.Update', () => guard(async () => showSite(await ask('/api/Site/current'))))
  // The site's refresh says no more here than the events of its pages do.
  followSite({ client, siteKey, reload: () => location.reload(), refresh() {} })
  client.start()
})
