import fc from 'fast-check'
import { expect, vi } from 'vitest'
import { onEachDatabase } from '../each-database.ts'
import { mountedRoutes } from '../mounted-routes.ts'
import { openTestHost, type TestHost, upload } from '../open-test-host.ts'
import { seedHost } from '../seed-host.ts'

// Thousands of requests, which take long where much else is going on.
vi.setConfig({ testTimeout: 600_000 })

const SEGMENTS = ['\0', '\u202e', '..', '']
const TEXTS = [
  '\0',
  'a\0b',
  '\ud800',
  'a\udfffb',
  '%',
  '',
  ' ',
  '..',
  '\u202e',
  "' or 1=1 --",
  '9'.repeat(400),
]
const VALUES: readonly unknown[] = [
  ...TEXTS,
  null,
  true,
  -1,
  0.5,
  1e300,
  2 ** 31,
  [],
  {},
  { toString: 1, valueOf: 1 },
  [{ toString: 1, valueOf: 1 }],
  ['\0'],
]
/** Every field that a route of the host takes. */
const FIELDS = [
  ...[
    'name',
    'title',
    'path',
    'siteId',
    'folderId',
    'parentId',
    'username',
    'displayName',
    'email',
    'password',
  ],
  ...[
    'overlapSeconds',
    'entityName',
    'entityId',
    'value',
    'isPrivate',
    'moduleId',
    'pageId',
    'pane',
    'order',
  ],
  ...[
    'userId',
    'roleId',
    'subject',
    'body',
    'fromUserId',
    'toUserId',
    'code',
    'mappedPath',
    'moduleDefinitionName',
  ],
]
/** Bodies that nothing is wrong with, so that each field comes as far as the database. */
const SOUND: Readonly<Record<string, object>> = {
  '/api/Site': { name: 'A' },
  '/api/Page': { name: 'A' },
  '/api/Folder': { name: 'A' },
  '/api/User': { username: 'someone', displayName: 'A', email: 'a@example.org' },
  '/api/User/login': { username: 'nobody', password: 'a wrong password' },
  '/api/Token': { name: 'A' },
  '/api/Token/rotate': { name: 'nobody' },
  '/api/Role': { name: 'A' },
  '/api/Setting': { entityName: 'Site', entityId: 1, name: 'A', value: 'B' },
  '/api/Notification': { toUserId: 1, subject: 'A', body: 'B' },
  '/api/Language': { code: 'de', name: 'A' },
  '/api/UrlMapping': { path: 'a', mappedPath: 'b' },
  '/api/Alias': { name: 'a.example', siteId: 1 },
}

/** The routes of the host itself, and what the portal is asked here besides. */
function routes({ host }: TestHost) {
  const portal = [
    'endpoints',
    'endpoints/:id',
    'deliveries',
    'deliveries/:id',
    'jobs',
    'jobs/:id',
    'subscriptions/:id',
    'session',
  ]
  return [
    ...mountedRoutes(host.app.router).filter(({ path }) => path !== '/api/Sync/stream'),
    ...portal.flatMap((path) =>
      ['GET', 'POST', 'PATCH'].map((method) => ({ method, path: `/portal/api/${path}` })),
    ),
    { method: 'POST', path: '/portal/api/subscriptions/:id/resume' },
  ]
}

const json = { 'content-type': 'application/json' }
const SPECIAL_QUERIES = [
  '%',
  'a=%',
  'siteId=%00',
  'limit=%ff',
  'siteId=1&siteId=2',
  '__proto__=1',
  'a[b]=c',
  '=',
]

onEachDatabase(
  'answers whatever is sent to any route with what was wanted or a problem, never with 5xx',
  async () => {
    await using host = await openTestHost()
    await seedHost(host, 'seeded')
    await upload(host, 'a.txt', 'content')

    async function send(method: string, path: string, body?: string, headers: Record<string, string> = json) {
      const hasBody = !['GET', 'DELETE'].includes(method)
      const answer = await host.send(path, { method, headers, body: hasBody ? body : undefined })
      const text = await answer.text()
      const label = `${method} ${path} ${body?.slice(0, 150)} -> ${answer.status} ${text.slice(0, 200)} ${JSON.stringify(host.takeErrors())}`
      expect(answer.status, label).toBeLessThan(500)
      if (answer.status < 400) return
      expect(answer.headers.get('content-type'), label).toMatch(/^application\/problem\+json/)
      expect(answer.headers.get('cache-control'), label).toBe('no-store')
      const problem = JSON.parse(text) as object
      expect(problem, label).toMatchObject({ status: answer.status, code: expect.any(String) })
    }

    for (const { method, path } of routes(host)) {
      const isDelete = method === 'DELETE'
      const target = path.replace(':id', isDelete ? '99' : '1').replace(':lastSyncDate', '20200101000000000')
      for (const query of SPECIAL_QUERIES) await send(method, `${target}?${query}`)
      for (const text of SEGMENTS) {
        const segment = encodeURIComponent(text.toWellFormed())
        await send(method, path.replace(/:\w+/, segment), '{}')
        await send(method, `${target}?before=${segment}&siteId=${segment}`)
      }
      if (method === 'GET' || isDelete) continue
      for (const type of ['text/plain', 'multipart/form-data', 'application/json; charset=utf-99', 'x']) {
        await send(method, target, '{"name":"A"}', { 'content-type': type })
      }
      const deep = `{"name":${'['.repeat(30_000)}${']'.repeat(30_000)}}`
      for (const body of [
        '{',
        '[]',
        '"x"',
        'null',
        deep,
        '{"__proto__":{"name":1}}',
        `{"a":"${'x'.repeat(70_000)}"}`,
      ]) {
        await send(method, target, body)
      }
      const sound = SOUND[path.replace('/:id', '')]
      if (!sound) continue
      for (const value of VALUES) {
        const fields = Object.keys(sound)
        for (const field of fields) await send(method, target, JSON.stringify({ ...sound, [field]: value }))
      }
      await fc.assert(
        fc.asyncProperty(
          fc.dictionary(
            fc.constantFrom(...FIELDS),
            fc.oneof(fc.constantFrom(...VALUES), fc.string({ unit: 'binary' })),
          ),
          (fields) => send(method, target, JSON.stringify({ ...sound, ...fields })),
        ),
        { numRuns: 8 },
      )
    }
  },
)

onEachDatabase('answers wrong tokens, cookies and host names of any text with a problem', async () => {
  await using host = await openTestHost()
  for (const path of ['/api/User', '/portal/api/endpoints', '/api/Site']) {
    for (const headers of [
      { authorization: 'Bearer \u00ff' },
      { authorization: `Bearer ${'x'.repeat(8_000)}` },
      { cookie: 'host_session=%00; x_portal_session=%00' },
      { cookie: `host_session=${'A'.repeat(43)}; x_portal_session=${'A'.repeat(500)}` },
    ]) {
      const { status } = await host.send(path, {
        token: undefined,
        headers: headers as Record<string, string>,
      })
      expect(status, `${path} ${JSON.stringify(headers).slice(0, 80)}`).toBeLessThan(500)
    }
  }
  expect(host.takeErrors()).toEqual([])
})
