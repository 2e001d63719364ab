import { expect, it, vi } from 'vitest'
import type { PortalUser } from '../src/authorize.ts'
import { createPortal } from '../src/index.ts'
import { openSender } from './open-sender.ts'

const secret = 'a secret that is long enough to be one'

/** A portal whose host knows nobody by itself, only tokens. */
async function openPortal({ basePath = '/portal' } = {}) {
  const opened = await openSender()
  const tokens = new Map<string, PortalUser>([
    ['ada-token', { tenantId: 1, role: 'manager', name: 'Ada' }],
    ['bob-token', { tenantId: 2, role: 'viewer', name: 'Bob' }],
  ])
  const portal = createPortal({
    sender: opened.sender,
    basePath,
    authorize: () => undefined,
    signIn: { secret, userOf: (token) => tokens.get(token), label: 'Admin token' },
  })
  async function send(
    method: string,
    path: string,
    init: { body?: object; headers?: object; origin?: string } = {},
  ) {
    const { body, headers = {}, origin = 'https://host.example' } = init
    return portal.handle(
      new Request(`${origin}${basePath}/api/${path}`, {
        method,
        headers: { 'content-type': 'application/json', ...headers },
        ...(body ? { body: JSON.stringify(body) } : {}),
      }),
    )
  }
  async function signIn(token: string): Promise<string> {
    const answer = await send('POST', 'session', { body: { token } })
    return (answer.headers.get('set-cookie') ?? '').split(';')[0] as string
  }
  return { send, signIn, tokens, [Symbol.asyncDispose]: () => opened[Symbol.asyncDispose]() }
}

it('keeps the token sealed in a cookie that is sent nowhere else, and reads it back', async () => {
  await using portal = await openPortal()
  expect(await (await portal.send('GET', 'session')).json()).toMatchObject({
    user: null,
    signIn: { label: 'Admin token' },
    canSignOut: false,
  })
  const answer = await portal.send('POST', 'session', { body: { token: 'ada-token' } })
  expect(answer.status).toBe(204)
  const cookie = answer.headers.get('set-cookie') ?? ''
  expect(cookie).toMatch(
    /^x_portal_session=[\w-]+; Path=\/portal\/; Max-Age=43200; HttpOnly; SameSite=Strict; Secure$/,
  )
  expect(Buffer.from(cookie.slice(17).split(';')[0] as string, 'base64url').toString()).not.toContain('ada')
  const headers = { cookie: cookie.split(';')[0] }
  expect(await (await portal.send('GET', 'session', { headers })).json()).toMatchObject({
    user: { tenantId: 1, role: 'manager', operator: false, name: 'Ada' },
    signIn: { label: 'Admin token' },
    canSignOut: true,
  })
  expect((await portal.send('GET', 'endpoints', { headers })).status).toBe(200)
})

it('leaves out Secure where the host is reached over http', async () => {
  await using portal = await openPortal()
  const body = { token: 'ada-token' }
  const answer = await portal.send('POST', 'session', { body, origin: 'http://localhost:4000' })
  expect(answer.headers.get('set-cookie')).not.toContain('Secure')
})

it('refuses what is no token, and says at which field', async () => {
  await using portal = await openPortal()
  for (const token of ['', 'wrong', 7, 'x'.repeat(5_000)]) {
    const answer = await portal.send('POST', 'session', { body: { token } })
    expect(answer.status).toBe(401)
    expect(answer.headers.has('set-cookie')).toBe(false)
    expect(await answer.json()).toMatchObject({ code: 'invalid_token', field: 'token' })
  }
})

it('takes no cookie that it has not sealed itself', async () => {
  await using portal = await openPortal()
  const cookie = await portal.signIn('ada-token')
  const [name, value = ''] = cookie.split('=')
  const bytes = Buffer.from(value, 'base64url')
  for (const at of [0, 13, bytes.length - 1]) {
    const changed = Buffer.from(bytes)
    changed[at] = (changed[at] as number) ^ 1
    const headers = { cookie: `${name}=${changed.toString('base64url')}` }
    expect((await portal.send('GET', 'endpoints', { headers })).status).toBe(401)
  }
  for (const forged of ['', 'ada-token', Buffer.from('[9999999999999,"ada-token"]').toString('base64url')]) {
    const headers = { cookie: `${name}=${forged}` }
    expect((await portal.send('GET', 'endpoints', { headers })).status).toBe(401)
  }
})

it('ends a session with its token, with its time, and when it is asked to', async () => {
  await using portal = await openPortal()
  const headers = { cookie: await portal.signIn('ada-token') }
  const status = async () => (await portal.send('GET', 'endpoints', { headers })).status
  const { now } = Date
  const clock = vi.spyOn(Date, 'now').mockImplementation(() => now() + 12 * 3_600_000 + 1_000)
  expect(await status()).toBe(401)
  clock.mockRestore()
  expect(await status()).toBe(200)
  portal.tokens.delete('ada-token')
  expect(await status()).toBe(401)
  const out = await portal.send('DELETE', 'session', { headers })
  expect(out.headers.get('set-cookie')).toMatch(/^x_portal_session=; Path=\/portal\/; Max-Age=0;/)
})

it('shows whoever is signed in their own tenant, and lets them do what their role allows', async () => {
  await using portal = await openPortal()
  const ada = { cookie: await portal.signIn('ada-token') }
  const bob = { cookie: await portal.signIn('bob-token') }
  const body = { url: 'https://example.com/hook' }
  const created = await portal.send('POST', 'endpoints', { headers: ada, body })
  const { endpoint } = (await created.json()) as { endpoint: { id: string } }
  expect((await portal.send('GET', `endpoints/${endpoint.id}`, { headers: bob })).status).toBe(404)
  expect((await portal.send('POST', 'endpoints', { headers: bob, body })).status).toBe(403)
  expect((await portal.send('GET', 'subscriptions', { headers: ada })).status).toBe(404)
})

it('lets no other site act for whoever is signed in', async () => {
  await using portal = await openPortal()
  const cookie = await portal.signIn('ada-token')
  const foreign = [
    { 'sec-fetch-site': 'cross-site' },
    { 'sec-fetch-site': 'same-site', origin: 'https://other.host.example' },
    { origin: 'https://evil.example' },
    { origin: 'null' },
    { 'sec-fetch-site': 'cross-site', origin: 'https://host.example' },
  ]
  for (const headers of foreign) {
    const body = { url: 'https://example.com/hook' }
    const forms = { 'content-type': 'text/plain' }
    for (const more of [{}, forms]) {
      const answer = await portal.send('POST', 'endpoints', {
        headers: { cookie, ...headers, ...more },
        body,
      })
      expect(answer.status, JSON.stringify(headers)).toBe(403)
    }
    const session = await portal.send('POST', 'session', { headers, body: { token: 'bob-token' } })
    expect(session.status).toBe(403)
    expect((await portal.send('DELETE', 'session', { headers: { cookie, ...headers } })).status).toBe(403)
  }
  const own = { cookie, 'sec-fetch-site': 'same-origin', origin: 'https://host.example' }
  const body = { url: 'https://example.com/hook' }
  expect((await portal.send('POST', 'endpoints', { headers: own, body })).status).toBe(201)
})

it('wants a secret that nobody guesses', async () => {
  await using opened = await openSender()
  const signIn = { secret: 'short', userOf: () => undefined }
  expect(() => createPortal({ sender: opened.sender, authorize: () => undefined, signIn })).toThrow(
    /signIn\.secret must have at least 32/,
  )
})

it('lets nobody in whose token has no tenant', async () => {
  await using portal = await openPortal()
  portal.tokens.set('eve-token', { role: 'manager' } as PortalUser)
  const { status } = await portal.send('POST', 'session', { body: { token: 'eve-token' } })
  expect(status).toBe(500)
  // A session that was opened before, and whose user has lost the tenant since.
  const cookie = await portal.signIn('ada-token')
  portal.tokens.set('ada-token', { tenantId: undefined, role: 'manager' } as never)
  expect((await portal.send('GET', 'endpoints', { headers: { cookie } })).status).toBe(500)
})
