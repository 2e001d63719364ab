import { createSyncClient, followSite, observable, shareTabs } from '/assets/client.js'
import { ask, authorization, token, uploadForm } from './api.js'
import { createEditor } from './editor.js'
import { createList } from './list.js'
import { createPreview, markWindow } from './preview.js'
import { createTimeline } from './timeline.js'

const part = (id) => document.getElementById(id)
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

// What is being edited: the form sets it, the preview and the window's title show it.
const draft = observable({ title: undefined, path: undefined, isChanged: false })
const editor = createEditor({ form: part('editor'), guard, draft })
createPreview({ figure: part('preview'), title: part('preview-title'), path: part('preview-path'), draft })
markWindow(draft)

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

/** What pages and files are called, for what is said about them; also once they are gone. */
const names = new Map()
const timeline = createTimeline({
  list: part('events'),
  empty: part('no-events'),
  nameOf: (entityName, entityId) => names.get(`${entityName} ${entityId}`),
})

function know(entityName, entityId, name) {
  if (name === undefined) return
  names.set(`${entityName} ${entityId}`, name)
  timeline.nameKnown(entityName, entityId, name)
}

function showSite({ siteId, name }) {
  know('Site', siteId, name)
  part('site').textContent = name
  document.title = name
}

async function showAll(site) {
  showSite(site)
  const [sitePages, allFiles] = await Promise.all([ask(`/api/Site/${site.siteId}/pages`), ask('/api/File')])
  for (const { pageId, title } of sitePages) know('Page', pageId, title)
  for (const { fileId, name } of allFiles) know('File', fileId, name)
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
    const progress = part('progress')
    progress.hidden = false
    try {
      await uploadForm('/api/File/upload', new FormData(part('upload')), (share) => (progress.value = share))
      part('upload').reset()
    } finally {
      progress.hidden = true
      progress.value = 0
    }
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
  client.on('entityChanged', timeline.add)
  client.on('Page.*', ({ entityId, action }) =>
    guard(async () => {
      const page = action === 'Delete' ? undefined : await ask(`/api/Page/${entityId}`)
      know('Page', entityId, page?.title)
      pages.set(entityId, page)
      editor.changed(entityId, page)
    }),
  )
  client.on('File.*', ({ entityId, action }) =>
    guard(async () => {
      if (action === 'Download') return
      const file = action === 'Delete' ? undefined : await ask(`/api/File/${entityId}`)
      know('File', entityId, file?.name)
      files.set(entityId, file)
    }),
  )
  client.on('Site.Update', () => guard(async () => showSite(await ask('/api/Site/current'))))
  // The site's refresh says no more here than the events of its pages do.
  followSite({ client, siteKey, reload: () => location.reload(), refresh() {} })
  client.start()
})
