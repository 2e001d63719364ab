import { expect } from 'vitest'
import { onEachDatabase } from './each-database.ts'
import { jsonOf, openTestHost, type ProblemDocument, type TestRequest } from './open-test-host.ts'

const json = { 'content-type': 'application/json' }
const user = { username: 'ada', displayName: 'Ada', email: 'ada@example.org' }

interface Case extends TestRequest {
  readonly path: string
  readonly status: number
  /** Fields that the answer has to name. */
  readonly fields?: readonly string[]
  /** The one field that the portal's answer has to name. */
  readonly field?: string
}

const cases: Case[] = [
  { path: '/nothing', status: 404 },
  { path: '/api', status: 404 },
  { path: '/api/Nothing', status: 404 },
  { path: '/api/Nothing', body: {}, status: 404 },
  { path: '/api/Page/1', method: 'PATCH', body: { name: 'A' }, status: 404 },
  { path: '/api/Page/99', status: 404 },
  { path: '/api/Page/2147483647', status: 404 },
  { path: '/api/Page/2147483648', status: 400, fields: ['id'] },
  { path: '/api/Page', body: { name: 'A', siteId: 2147483648 }, status: 400, fields: ['siteId'] },
  { path: '/api/Page', body: { name: 'A', title: 'nul\u0000' }, status: 400, fields: ['title'] },
  { path: '/api/File/download/99', status: 404 },
  { path: '/api/File/99/downloads', status: 404 },
  { path: '/api/Page/99', method: 'PUT', body: { name: 'A' }, status: 404 },
  { path: '/api/Page/99', method: 'DELETE', status: 404 },
  { path: '/api/File/99', method: 'PUT', body: { name: 'a.txt', folderId: 1 }, status: 404 },
  { path: '/api/Page', body: { name: 'A', siteId: 99 }, status: 404 },

  { path: '/api/Site', hostName: 'a b', status: 400 },
  { path: '/portal/api/endpoints', hostName: 'a b', status: 400 },
  { path: '/api/Site', hostName: 'host/path', status: 400 },
  { path: '/api/Page/abc', status: 400, fields: ['id'] },
  { path: '/api/Page/-1', status: 400, fields: ['id'] },
  { path: '/api/Page/1e3', status: 400, fields: ['id'] },
  { path: '/api/File/download/..%2F..%2Fetc%2Fpasswd', status: 400, fields: ['id'] },
  { path: '/api/Page/%E0%A4%A', status: 400 },
  { path: '/api/Page', body: '{"name":', headers: json, status: 400 },
  { path: '/api/Page', body: '"text"', headers: json, status: 400 },
  {
    path: '/api/Page',
    body: 'name=A',
    headers: { 'content-type': 'text/plain' },
    status: 400,
    fields: ['body'],
  },
  { path: '/api/Page', body: '[]', status: 400, fields: ['body'] },
  { path: '/api/Page', body: {}, status: 400, fields: ['name'] },
  {
    path: '/api/Page',
    body: { name: '', path: '?', siteId: 'x' },
    status: 400,
    fields: ['name', 'path', 'siteId'],
  },
  { path: '/api/Page', body: { name: { length: 3 } }, status: 400, fields: ['name'] },
  { path: '/api/Page', body: '{"__proto__":{"name":"A"}}', status: 400, fields: ['name'] },
  { path: '/api/Site', body: { name: 'x'.repeat(201) }, status: 400, fields: ['name'] },
  { path: '/api/User', body: { ...user, email: 'nobody' }, status: 400, fields: ['email'] },
  { path: '/api/User', body: { ...user, username: "'; drop table user" }, status: 400, fields: ['username'] },

  { path: '/portal/api/endpoints', body: { url: 'no url' }, status: 400, field: 'url' },
  { path: '/portal/api/endpoints', body: { url: 'ftp://example.com/' }, status: 400, field: 'url' },
  { path: '/portal/api/endpoints', body: { url: 'http://169.254.169.254/' }, status: 400, field: 'url' },
  { path: '/portal/api/endpoints', body: {}, status: 400, field: 'url' },
  {
    path: '/portal/api/endpoints',
    body: { url: 'https://example.com/', eventTypes: ['File Download'] },
    status: 400,
    field: 'eventTypes',
  },
  { path: '/portal/api/endpoints/ep_x', method: 'DELETE', status: 404 },
  { path: '/portal/api/endpoints', token: undefined, status: 401 },

  { path: '/api/Page', body: { name: 'x'.repeat(200_000) }, status: 413 },
  { path: '/api/Page', body: '{}', headers: { ...json, 'content-encoding': 'br' }, status: 400 },
  { path: '/api/Page', body: '{}', headers: { ...json, 'content-encoding': 'unknown' }, status: 415 },

  { path: '/api/Sync/now', status: 400, fields: ['lastSyncDate'] },
  { path: '/api/Sync/20260230000000000', status: 400, fields: ['lastSyncDate'] },
  { path: '/api/Sync/2026-01-01T00:00:00Z', status: 400, fields: ['lastSyncDate'] },
  { path: `/api/Sync/${'9'.repeat(500)}`, status: 400, fields: ['lastSyncDate'] },

  { path: '/api/Page', token: undefined, body: { name: 'A' }, status: 401 },
  { path: '/api/Page/1', token: undefined, method: 'DELETE', status: 401 },
  { path: '/api/File/upload', token: undefined, body: 'x', status: 401 },
  { path: '/api/User', token: undefined, status: 401 },
  { path: '/api/Site', token: 'wrong', status: 401 },
  { path: '/api/Site', token: undefined, headers: { authorization: 'Basic YTpi' }, status: 401 },
  { path: '/api/Site', token: undefined, headers: { authorization: 'Bearer ' }, status: 401 },
]

onEachDatabase('answers all of it with problem documents, stores nothing and stays alive', async () => {
  await using host = await openTestHost()
  const before = await host.events()

  for (const { path, status, fields, field, ...request } of cases) {
    const answer = await host.send(path, request)
    const text = await answer.text()
    const label = `${request.method ?? ''} ${path} ${JSON.stringify(request.body ?? '').slice(0, 60)}`
    expect.soft(answer.status, label).toBe(status)
    expect.soft(answer.headers.get('content-type'), label).toMatch(/^application\/problem\+json/)
    expect.soft(text, label).not.toMatch(/node_modules|\.ts:|at .*\(|SQLITE|SELECT/)
    const problem = JSON.parse(text) as ProblemDocument
    expect.soft(problem, label).toMatchObject({ type: 'about:blank', status, title: expect.any(String) })
    if (fields) expect.soft(Object.keys(problem.errors ?? {}).sort(), label).toEqual([...fields].sort())
    if (field) expect.soft(problem, label).toMatchObject({ field })
    if (status === 401 && path.startsWith('/api'))
      expect.soft(answer.headers.get('www-authenticate'), label).toBe('Bearer')
  }

  expect(await host.events()).toEqual(before)
  for (const path of ['/api/Page', '/api/User', '/api/File']) {
    expect(await (await host.send(path)).json()).toEqual([])
  }
  expect(await (await host.send('/portal/api/endpoints')).json()).toMatchObject({ items: [] })
  expect((await host.send('/healthz')).status).toBe(200)
  expect((await host.send('/readyz')).status).toBe(200)
})

onEachDatabase('tells of its own faults nothing but where to look them up', async () => {
  await using host = await openTestHost()
  const { db } = host.host.services
  await db.schema.alterTable('page').renameTo('elsewhere').execute()

  const answer = await host.send('/api/Page')

  expect(answer.status).toBe(500)
  const problem = await jsonOf<{ requestId: string }>(answer)
  expect(problem).toEqual({
    type: 'about:blank',
    title: 'Internal Server Error',
    status: 500,
    code: 'internal_error',
    detail: 'The host failed; its log tells why.',
    requestId: answer.headers.get('x-request-id'),
  })
  expect(host.takeErrors()).toMatchObject([{ requestId: problem.requestId, path: '/api/Page' }])
  expect((await host.send('/healthz')).status).toBe(200)
})

onEachDatabase('names no software in its answers', async () => {
  await using host = await openTestHost()
  const { headers } = await host.send('/healthz')
  expect(headers.get('x-powered-by')).toBeNull()
  expect(headers.get('server')).toBeNull()
  expect(headers.get('x-content-type-options')).toBe('nosniff')
})
