import { request as sendRequest } from 'node:http'
import { expect, it } from 'vitest'
import { mountedRoutes } from '../mounted-routes.ts'
import { openTestHost, type TestHost, upload } from '../open-test-host.ts'

/** Sends a request target as it is written: neither URL nor fetch tidies it up. */
async function sendTo(
  { host }: TestHost,
  path: string,
  init: { method?: string; headers?: object; body?: string } = {},
) {
  const { port } = new URL(host.url)
  return new Promise<{ status: number; headers: Record<string, unknown>; text: string }>(
    (resolve, reject) => {
      const { method = 'GET', headers = {}, body } = init
      const outgoing = sendRequest({ host: '127.0.0.1', port, path, method, headers: headers as never })
      outgoing.on('error', reject)
      outgoing.on('response', async (incoming) => {
        let text = ''
        for await (const chunk of incoming) text += chunk
        resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, text })
      })
      outgoing.end(body)
    },
  )
}

const SPELLINGS = (path: string) => [
  path,
  path.toUpperCase(),
  `${path}/`,
  `/.${path}`,
  `/${path}`,
  `/%2e${path}`,
  path.replace(/\/(\w+)$/, '/./$1'),
  path.replace(/\/(\w+)$/, '//$1'),
  path.replace(/\/(\w)/, (_, first: string) => `/%${first.charCodeAt(0).toString(16)}`),
  `http://127.0.0.1${path}`,
  `${path}?a=1`,
  `${path};a=b`,
]

it('lets nobody guess tokens under another spelling of a path, at the portal, the API or the metrics', async () => {
  await using host = await openTestHost()
  const headers = { 'content-type': 'application/json' }
  const codes: string[] = []
  for (let round = 0; round < 65; round++) {
    for (const [index, target] of SPELLINGS('/portal/api/session').entries()) {
      const body = JSON.stringify({ token: `wrong-${round}-${index}` })
      const { status, text } = await sendTo(host, target, { method: 'POST', headers, body })
      expect(status, target).toBeGreaterThanOrEqual(400)
      codes.push((JSON.parse(text) as { code: string }).code)
    }
  }
  expect(codes.filter((code) => code === 'invalid_token')).toHaveLength(60)
  expect(codes.filter((code) => code === 'too_many_guesses')).toHaveLength(5)
  // The count is one for all that tokens protect.
  for (const path of ['/api/User', '/api/user/', '/API/User', '/portal/api/endpoints', '/api/File/upload']) {
    const { status } = await sendTo(host, path, { headers: { authorization: 'Bearer wrong' } })
    expect(status, path).toBe(429)
  }
})

it('limits wrong passwords whatever the spelling of the path, and of the name', async () => {
  await using host = await openTestHost()
  const user = { username: 'ada', displayName: 'Ada', email: 'ada@example.org' }
  expect((await host.send('/api/User', { body: user })).status).toBe(201)
  const headers = { 'content-type': 'application/json' }
  const logIn = async (path: string, username: unknown) =>
    (await sendTo(host, path, { method: 'POST', headers, body: JSON.stringify({ username, password: 'x' }) }))
      .status
  const targets = [
    '/api/User/login',
    '/API/user/LOGIN',
    '/api/User/login/',
    'http://127.0.0.1/api/User/login',
  ]
  for (const path of [...targets, '/api/User/login']) expect(await logIn(path, 'ada')).toBe(401)
  for (const path of targets) expect(await logIn(path, 'ada'), path).toBe(429)
  for (const other of [' ada', 'ada ', 'ada\0', ['ada'], { toString: 1 }]) {
    expect(await logIn('/api/User/login', other), JSON.stringify(other)).toBe(400)
  }
})

it('has nothing kept that is said below /api, to whomever, and no problem anywhere', async () => {
  await using host = await openTestHost()
  await upload(host, 'a.txt', 'content')
  for (const token of [host.host.adminToken, undefined, 'wrong']) {
    for (const { method, path } of mountedRoutes(host.host.app.router)) {
      if (path === '/api/Sync/stream') continue
      const target = path.replace(':id', '1').replace(':lastSyncDate', '20200101000000000')
      const answer = await host.send(target, {
        method,
        token,
        ...(['GET', 'DELETE'].includes(method) ? {} : { body: {} }),
      })
      const label = `${method} ${path} ${answer.status}`
      if (path.startsWith('/api/') || answer.status >= 400) {
        expect.soft(answer.headers.get('cache-control'), label).toMatch(/no-store/)
      }
    }
  }
  expect((await host.send('/nothing')).headers.get('cache-control')).toBe('no-store')
  for (const path of ['/', '/style.css', '/main.js']) {
    expect((await host.send(path)).headers.get('cache-control'), path).toBe('no-cache')
  }
})

it('refuses parameters that no route knows, and one that is given twice', async () => {
  await using host = await openTestHost()
  for (const { method, path } of mountedRoutes(host.host.app.router)) {
    if (!path.startsWith('/api/')) continue
    const target = path.replace(':id', '99').replace(':lastSyncDate', '20200101000000000')
    const answer = await host.send(`${target}?status=500`, {
      method,
      ...(['GET', 'DELETE'].includes(method) ? {} : { body: {} }),
    })
    expect.soft(answer.status, `${method} ${path}`).toBe(400)
    expect.soft(await answer.json(), path).toMatchObject({
      code: 'invalid_input',
      field: 'status',
      errors: { status: [expect.stringContaining('known')] },
    })
  }
  const twice = await host.send('/api/Sync/stream?siteId=1&siteId=2')
  expect([twice.status, await twice.json()]).toMatchObject([400, { field: 'siteId' }])
})

it('raises a download for whoever asks for one, and for no page of another site', async () => {
  await using host = await openTestHost()
  await upload(host, 'a.txt', 'content')
  const download = async (headers: Record<string, string>, token?: string) =>
    (await host.send('/api/File/download/1', { token, headers })).status
  const link = { 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' }
  for (const headers of [
    { 'sec-fetch-site': 'cross-site' },
    { 'sec-fetch-site': 'same-site' },
    { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors', 'sec-fetch-dest': 'image' },
    { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors', 'sec-fetch-user': '?1' },
    { 'sec-fetch-site': 'cross-site', ...link },
    { 'sec-fetch-site': 'strange' },
    { origin: 'https://evil.example' },
    { origin: 'null' },
  ]) {
    expect(await download(headers as Record<string, string>), JSON.stringify(headers)).toBe(403)
  }
  expect((await host.events()).filter(({ action }) => action === 'Download')).toEqual([])
  for (const headers of [
    {},
    { 'sec-fetch-site': 'none', ...link },
    { 'sec-fetch-site': 'same-origin' },
    { 'sec-fetch-site': 'cross-site', ...link, 'sec-fetch-user': '?1' },
    { origin: host.host.url },
  ]) {
    expect(await download(headers as Record<string, string>), JSON.stringify(headers)).toBe(200)
  }
  expect(await download({ 'sec-fetch-site': 'cross-site' }, host.host.adminToken)).toBe(200)
})
