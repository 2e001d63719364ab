import { request as sendRequest } from 'node:http'
import { connect } from 'node:net'
import { waitFor } from '@x/testkit'
import { expect, it } from 'vitest'
import { routes as routeDescriptions } from '../src/http/routes.ts'
import { mountedRoutes } from './mounted-routes.ts'
import { openTestHost, type TestHost, upload } from './open-test-host.ts'
import { seedHost } from './seed-host.ts'

const SECRET = 'what only the first tenant may see'

/** Every route below /api that the router really has, with an id that exists. */
function apiRoutes({ host }: TestHost) {
  return mountedRoutes(host.app.router)
    .filter(({ path }) => path.startsWith('/api/'))
    .map(({ method, path }) => ({
      method,
      route: path,
      path: path.replace(':id', '1').replace(':lastSyncDate', '20200101000000000'),
    }))
}

const audienceOf = (method: string, path: string) =>
  routeDescriptions.find((route) => route.method.toUpperCase() === method && route.path === path)?.audience

/** Reads what there is of an answer, without waiting for a stream to end. */
async function read(url: string, init: RequestInit): Promise<{ status: number; text: string }> {
  const leaving = new AbortController()
  const answer = await fetch(url, { ...init, signal: leaving.signal })
  const isStream = answer.headers.get('content-type')?.startsWith('text/event-stream')
  const text = isStream ? '' : await answer.text()
  leaving.abort()
  return { status: answer.status, text }
}

const bodyOf = (method: string) => (['POST', 'PUT'].includes(method) ? { name: 'Mine' } : undefined)

it('refuses another tenant’s token on every route there is, and tells nothing', async () => {
  await using host = await openTestHost()
  await seedHost(host, SECRET)
  const { token, hostName } = await host.addTenant('second.test')
  const before = await host.events()
  const routes = apiRoutes(host)
  expect(routes.length).toBeGreaterThan(60)

  for (const { method, path, route } of routes) {
    // Under the first tenant's name, the token is wrong wherever it is sent.
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
    const body = bodyOf(method)
    const wrong = await read(host.host.url + path, {
      method,
      headers,
      ...(body ? { body: JSON.stringify(body) } : {}),
    })
    expect.soft([method, route, wrong.status]).toEqual([method, route, 403])
    expect.soft(wrong.text, route).not.toContain(SECRET)

    // Under its own name it is right, and finds nothing of the other's; a stream would not end.
    if (route === '/api/Sync/stream' || (method === 'DELETE' && route === '/api/Token/:id')) continue
    const own = await host.send(path, { method, token, hostName, body })
    const text = await own.text()
    expect.soft(text, `${method} ${route}`).not.toContain(SECRET)
    if (route.includes(':id')) {
      expect.soft([method, route, [400, 404].includes(own.status)]).toEqual([method, route, true])
    }
  }
  const theirs = (await host.events()).slice(before.length)
  expect(theirs.filter(({ tenantId }) => tenantId === 1)).toEqual([])
})

it('lets nobody without a token do more than the API says', async () => {
  await using host = await openTestHost()
  await seedHost(host, SECRET)
  const before = await host.events()
  for (const { method, path, route } of apiRoutes(host)) {
    if (audienceOf(method, route) === 'everybody') continue
    expect([method, route, audienceOf(method, route)]).toEqual([method, route, 'administrators'])
    const answer = await host.send(path, { method, token: undefined, body: bodyOf(method) })
    expect.soft([method, route, answer.status]).toEqual([method, route, 401])
    expect.soft(await answer.text(), route).not.toContain(SECRET)
  }
  expect(await host.events()).toEqual(before)
})

it('serves stored HTML as data only', async () => {
  const html = '<script>alert(1)</script><img src=x onerror=alert(1)>'
  await using host = await openTestHost()
  await seedHost(host, html)
  await upload(host, 'evil.svg', html)
  for (const { method, path, route } of apiRoutes(host)) {
    if (method !== 'GET' || route === '/api/Sync/stream') continue
    const answer = await host.send(path)
    const type = answer.headers.get('content-type') ?? ''
    const isDownload = route === '/api/File/download/:id'
    expect.soft([route, isDownload || /^application\/(problem\+)?json\b/.test(type)]).toEqual([route, true])
    expect.soft(answer.headers.get('x-content-type-options'), route).toBe('nosniff')
    expect.soft(answer.headers.get('content-security-policy'), route).toContain("default-src 'self'")
    if (isDownload) expect.soft(answer.headers.get('content-disposition')).toMatch(/^attachment/)
  }
})

it.each(['a\r\nx-injected: 1.txt', 'a"; filename="b.txt', "a';b=c.txt", 'a\u2028.txt', 'ü%0d%0aX: 1.txt'])(
  'lets no file name become a header: %j',
  async (name) => {
    await using host = await openTestHost()
    // As the JSON API has it: a form would cut the name at the line's end.
    await upload(host, 'a.txt', 'content')
    const renamed = await host.send('/api/File/1', { method: 'PUT', body: { name, folderId: 1 } })
    expect([200, 400]).toContain(renamed.status)
    const { headers, status } = await host.send('/api/File/download/1')
    expect([status, headers.get('x-injected'), headers.get('x')]).toEqual([200, null, null])
    expect(headers.get('content-disposition')).toMatch(/^attachment; filename=/)
  },
)

it.each([
  '/api/File/download/..%2f..%2fhost.db',
  '/api/File/download/%2e%2e/%2e%2e/host.db',
  '/api/File/download/../../encryption-key',
  '/api/../../admin-token',
  '/portal/..%2f..%2fadmin-token',
  '/portal/../../etc/passwd',
  '/..%5c..%5cadmin-token',
])('serves no file of the machine: %s', async (path) => {
  await using host = await openTestHost()
  // Not fetch, which would tidy the path up.
  const { status, text } = await new Promise<{ status: number; text: string }>((resolve, reject) => {
    const outgoing = sendRequest({ host: '127.0.0.1', port: new URL(host.host.url).port, path })
    outgoing.on('error', reject)
    outgoing.on('response', async (answer) => {
      const chunks: Buffer[] = []
      for await (const chunk of answer) chunks.push(chunk as Buffer)
      resolve({ status: answer.statusCode ?? 0, text: Buffer.concat(chunks).toString() })
    })
    outgoing.end()
  })
  expect([400, 401, 404]).toContain(status)
  expect(text).not.toContain(host.host.adminToken)
  expect(text).not.toContain('root:')
})

it('lets go of who sends too slowly, and answers others meanwhile', async () => {
  await using host = await openTestHost({ requestTimeoutMs: 300 })
  const { port, hostname } = new URL(host.host.url)
  const slow = connect(Number(port), hostname)
  let answer = ''
  slow.on('data', (data) => (answer += data)).on('error', () => {})
  slow.write(`POST /api/Page HTTP/1.1\r\nhost: ${hostname}\r\ncontent-length: 100\r\n`)
  expect((await host.send('/healthz')).status).toBe(200)
  await waitFor(() => slow.destroyed || slow.readableEnded, 'the connection to be closed')
  expect(answer).toMatch(/^HTTP\/1.1 408 /)
})

it('reads no more of a body than it takes', async () => {
  await using host = await openTestHost()
  for (const [path, bytes] of [
    ['/api/Page', 200_000],
    ['/api/User/login', 5_000],
  ] as const) {
    const answer = await host.send(path, { body: { name: 'x'.repeat(bytes), username: 'a', password: 'b' } })
    expect([path, answer.status]).toEqual([path, 413])
  }
  const header = await host
    .send('/api/Page', { headers: { 'x-long': 'x'.repeat(20_000) } })
    .catch(() => undefined)
  expect(header?.status ?? 431).toBe(431)
})
