import { fastify } from 'fastify'
import { Hono } from 'hono'
import { describe, expect, it, vi } from 'vitest'
import { expressPortal } from '../../src/express.ts'
import { fastifyPortal } from '../../src/fastify.ts'
import { honoPortal } from '../../src/hono.ts'
import { createPortal, PortalLinkError, type PortalUser } from '../../src/index.ts'
import { openSender } from '../open-sender.ts'

const secret = 'a secret that is long enough to be one'
const HOST = 'https://host.example'
const links = { url: `${HOST}/portal`, secret }

interface SendInit {
  readonly body?: object
  readonly headers?: Readonly<Record<string, string>>
}

/** A portal of two nodes on one database, whose host knows the token `admin`. */
async function openPortal(dialect: 'sqlite' | 'postgres' = 'sqlite') {
  const opened = await openSender({ dialect })
  const asked: (string | null)[] = []
  const admin: PortalUser = { tenantId: 7, role: 'manager' }
  const colleague: PortalUser = { tenantId: 1, role: 'manager' }
  const nodeOf = () =>
    createPortal({
      sender: opened.sender,
      basePath: '/portal',
      links,
      authorize({ headers }) {
        asked.push(headers.get('authorization'))
        if (/host=colleague/.test(headers.get('cookie') ?? '')) return colleague
        const isAdmin =
          headers.get('authorization') === 'Bearer admin' || /host=admin/.test(headers.get('cookie') ?? '')
        return isAdmin ? admin : undefined
      },
    })
  const nodes = [nodeOf(), nodeOf()]
  const portal = nodes[0] as (typeof nodes)[0]
  async function send(method: string, path: string, { body, headers }: SendInit = {}, node = portal) {
    const response = await node.handle(
      new Request(`${HOST}/portal/api/${path}`, {
        method,
        headers: { 'content-type': 'application/json', ...headers },
        ...(body ? { body: JSON.stringify(body) } : {}),
      }),
    )
    const text = await response.text()
    return {
      status: response.status,
      cookie: response.headers.get('set-cookie') ?? '',
      body: (text === '' ? {} : JSON.parse(text)) as Record<string, never>,
    }
  }
  const sealedOf = (url: string) => url.split('#link=')[1] as string
  return { ...opened, portal, nodes, asked, send, sealedOf }
}

describe.each(['sqlite', 'postgres'] as const)('on %s', (dialect) => {
  it('signs in whoever opens the link first, on any node', async () => {
    await using opened = await openPortal(dialect)
    const { portal, nodes, send, sealedOf } = opened
    const { url, expiresOn } = await portal.createLink({ tenantId: 1, role: 'viewer' })
    expect(url).toMatch(/^https:\/\/host\.example\/portal\/#link=[\w-]+$/)
    expect(expiresOn.getTime()).toBeGreaterThan(Date.now())
    const body = { link: sealedOf(url) }
    const all = await Promise.all(
      [...nodes, ...nodes].map((node) => send('POST', 'session/link', { body }, node)),
    )
    expect(all.map(({ status }) => status).sort()).toEqual([200, 401, 401, 401])
    const refused = all.find(({ status }) => status === 401)
    expect(refused).toMatchObject({ cookie: '', body: { code: 'link_used', field: 'link' } })
  })

  it('ends all links and sessions of a tenant that the host revokes, on any node', async () => {
    await using opened = await openPortal(dialect)
    const { portal, nodes, send, sealedOf } = opened
    const [, other] = nodes
    const linkOf = async (tenantId: number) =>
      sealedOf((await portal.createLink({ tenantId, role: 'viewer' })).url)
    const open = (link: string) => send('POST', 'session/link', { body: { link } })
    const session = (token: string) => ({ headers: { authorization: `PortalSession ${token}` } })
    const [first, unopened, ofAnother] = [await linkOf(1), await linkOf(1), await linkOf(2)]
    const { body, cookie } = await open(first)
    const { body: another } = await open(ofAnother)
    const token = String(body['token'])
    const byCookie = { headers: { cookie: cookie.split(';')[0] as string } }
    expect((await send('GET', 'endpoints', session(token), other)).status).toBe(200)
    expect((await send('GET', 'endpoints', byCookie, other)).status).toBe(200)

    await portal.revokeLinks({ tenantId: 1 })
    expect((await send('GET', 'endpoints', session(token), other)).status).toBe(401)
    expect((await send('GET', 'endpoints', byCookie, other)).status).toBe(401)
    expect(await open(unopened)).toMatchObject({ status: 401, body: { code: 'invalid_link' } })
    expect((await send('GET', 'endpoints', session(String(another['token'])), other)).status).toBe(200)
    // A link that is made after it is as good as any.
    expect((await open(await linkOf(1))).status).toBe(200)
    await expect(portal.revokeLinks({ tenantId: -1 })).rejects.toMatchObject({ code: 'invalid_link' })
  })
})

it('opens a session for one tenant and role, by a partitioned cookie or by a token', async () => {
  await using opened = await openPortal()
  const { portal, sender, asked, send, sealedOf } = opened
  await sender.endpoints.create({ tenantId: 1, url: 'http://127.0.0.1:9999/' })
  const { url } = await portal.createLink({
    tenantId: 1,
    role: 'viewer',
    name: 'Ada',
    sessionSeconds: 120,
    returnUrl: 'https://host.example/settings',
    locale: 'de',
  })
  expect(Buffer.from(sealedOf(url), 'base64url').toString()).not.toContain('Ada')
  const exchanged = await send('POST', 'session/link', { body: { link: sealedOf(url) } })
  const token = String(exchanged.body['token'])
  expect(exchanged.cookie).toBe(
    `x_portal_link=${token}; Path=/portal/; Max-Age=120; HttpOnly; SameSite=None; Secure; Partitioned`,
  )
  const ways = [{ cookie: `x_portal_link=${token}` }, { authorization: `PortalSession ${token}` }]
  for (const headers of ways as Record<string, string>[]) {
    expect(await send('GET', 'session', { headers })).toMatchObject({
      body: {
        user: { tenantId: 1, role: 'viewer', operator: false, name: 'Ada' },
        canSignOut: true,
        link: {
          expiresOn: exchanged.body['expiresOn'],
          remainingSeconds: expect.any(Number),
          returnUrl: 'https://host.example/settings',
        },
        appearance: { locale: 'de' },
      },
    })
    expect((await send('GET', 'endpoints', { headers })).body['items']).toHaveLength(1)
    expect(await send('POST', 'endpoints', { headers, body: { url: 'http://127.0.0.1:9/' } })).toMatchObject({
      status: 403,
    })
    expect((await send('GET', 'subscriptions', { headers })).status).toBe(404)
  }
  // No session is a credential that the host should guess about.
  expect(new Set(asked)).toEqual(new Set([null]))
  // Whoever sends credentials of their own means these.
  const both = { cookie: `x_portal_link=${token}`, authorization: 'Bearer admin' }
  expect((await send('GET', 'session', { headers: both })).body['user']).toMatchObject({ tenantId: 7 })
})

it('hides the own tenant of nobody who is signed in at the host but on the page that opened the link', async () => {
  await using opened = await openPortal()
  const { portal, send, sealedOf } = opened
  const { url } = await portal.createLink({ tenantId: 1, role: 'viewer' })
  const { body } = await send('POST', 'session/link', { body: { link: sealedOf(url) } })
  const cookie = `x_portal_link=${body['token']}`
  const userOf = async (headers: Record<string, string>) =>
    (await send('GET', 'session', { headers })).body['user']
  expect(await userOf({ cookie })).toMatchObject({ tenantId: 1, role: 'viewer' })
  const atHost = `${cookie}; host=admin`
  expect(await userOf({ cookie: atHost })).toMatchObject({ tenantId: 7, role: 'manager' })
  const onPage = { cookie: atHost, authorization: `PortalSession ${body['token']}` }
  expect(await userOf(onPage)).toMatchObject({ tenantId: 1, role: 'viewer' })
  // Of the same tenant, it is as the link says.
  expect(await userOf({ cookie: `${cookie}; host=colleague` })).toMatchObject({ tenantId: 1, role: 'viewer' })
  // One that is over is none.
  expect(await userOf({ cookie: 'x_portal_link=x; host=admin' })).toMatchObject({ tenantId: 7 })
  const left = await send('DELETE', 'session', { headers: onPage })
  expect(left.cookie).toMatch(/^x_portal_link=;/)
  expect(left.cookie).not.toContain('x_portal_session')
})

it('ends the session at its time, and forgets it when one signs out', async () => {
  await using opened = await openPortal()
  const { portal, send, sealedOf } = opened
  const { url } = await portal.createLink({ tenantId: 1, role: 'manager', sessionSeconds: 60 })
  const { body } = await send('POST', 'session/link', { body: { link: sealedOf(url) } })
  const headers = { authorization: `PortalSession ${body['token']}` }
  expect((await send('GET', 'endpoints', { headers })).status).toBe(200)
  const out = await send('DELETE', 'session', { headers })
  expect(out.cookie).toMatch(/x_portal_link=; Path=\/portal\/; Max-Age=0; .*Partitioned/)
  vi.useFakeTimers({ now: Date.now() + 61_000, toFake: ['Date'] })
  try {
    expect(await send('GET', 'endpoints', { headers })).toMatchObject({
      status: 401,
      body: { code: 'unauthorized' },
    })
    expect((await send('GET', 'session', { headers })).body).toMatchObject({ user: null, link: null })
  } finally {
    vi.useRealTimers()
  }
})

it('refuses what is no link of its own, or not any more', async () => {
  await using opened = await openPortal()
  const { portal, sender, send, sealedOf } = opened
  const other = createPortal({
    sender,
    authorize: () => undefined,
    links: { ...links, secret: secret.toUpperCase() },
  })
  const { url } = await portal.createLink({ tenantId: 1, role: 'manager', expiresInSeconds: 1 })
  const link = sealedOf(url)
  const foreign = sealedOf((await other.createLink({ tenantId: 1, role: 'manager' })).url)
  const changed = `${link.slice(0, -2)}${link.endsWith('AA') ? 'BB' : 'AA'}`
  for (const wrong of ['', 'x', 7, null, foreign, changed, 'x'.repeat(20_000)]) {
    expect(await send('POST', 'session/link', { body: { link: wrong } })).toMatchObject({
      status: 401,
      cookie: '',
      body: { code: 'invalid_link' },
    })
  }
  // A link is no session.
  const headers = { authorization: `PortalSession ${link}` }
  expect((await send('GET', 'endpoints', { headers })).status).toBe(401)
  vi.useFakeTimers({ now: Date.now() + 1_001, toFake: ['Date'] })
  try {
    expect(await send('POST', 'session/link', { body: { link } })).toMatchObject({
      body: { code: 'invalid_link' },
    })
  } finally {
    vi.useRealTimers()
  }
  // What another site makes a browser send opens nothing.
  const crossSite = { headers: { 'sec-fetch-site': 'cross-site' }, body: { link } }
  expect(await send('POST', 'session/link', crossSite)).toMatchObject({
    status: 403,
    body: { code: 'cross_site' },
  })
})

it('makes no link that is none, and says why', async () => {
  await using opened = await openPortal()
  const { portal, sender } = opened
  const right = { tenantId: 1, role: 'viewer' } as const
  for (const [field, value] of [
    ['tenantId', -1],
    ['tenantId', '1'],
    ['role', 'operator'],
    ['name', 'x'.repeat(201)],
    ['expiresInSeconds', 0],
    ['expiresInSeconds', 604_801],
    ['sessionSeconds', 59.5],
    ['returnUrl', 'javascript:alert(1)'],
    ['returnUrl', '/settings'],
    ['returnUrl', 'https://user:password@host.example/'],
    ['locale', 'fr'],
    ['portalUrl', '/portal'],
  ] as const) {
    const made = portal.createLink({ ...right, [field]: value } as never)
    await expect(made, field).rejects.toMatchObject({
      code: 'invalid_link',
      message: expect.stringContaining(`createLink: ${field} must be`),
    })
  }
  const without = createPortal({ sender, authorize: () => undefined })
  const error: unknown = await without.createLink(right).catch((thrown: unknown) => thrown)
  expect(error).toBeInstanceOf(PortalLinkError)
  expect(error).toMatchObject({ code: 'links_not_configured' })
  expect(() =>
    createPortal({ sender, authorize: () => undefined, links: { ...links, url: '/portal' } }),
  ).toThrow(/links\.url must be where browsers find it/)
  expect(() =>
    createPortal({ sender, authorize: () => undefined, links: { ...links, secret: 'short' } }),
  ).toThrow(/links\.secret must have at least 32/)
})

it('is made by whatever the portal is mounted with', async () => {
  await using opened = await openSender()
  const { sender } = opened
  const parts = { sender, links, authorize: () => undefined }
  const portals = [
    createPortal(parts),
    expressPortal(parts),
    fastifyPortal(parts),
    honoPortal({ ...parts, basePath: '/portal' }),
  ]
  const elsewhere = createPortal({ ...parts, links: { secret } })
  await expect(elsewhere.createLink({ tenantId: 1, role: 'viewer' })).rejects.toMatchObject({
    code: 'links_not_configured',
  })
  const ofTenant = { tenantId: 1, role: 'viewer', portalUrl: 'https://one.example/portal/' } as const
  expect((await elsewhere.createLink(ofTenant)).url).toMatch(/^https:\/\/one\.example\/portal\/#link=/)
  for (const portal of portals) {
    const { url } = await portal.createLink({ tenantId: 1, role: 'viewer' })
    expect(url).toMatch(/^https:\/\/host\.example\/portal\/#link=/)
  }
  // They are still what the frameworks take.
  await fastify().register(fastifyPortal(parts), { prefix: '/portal' }).ready()
  new Hono().all('/portal/*', honoPortal({ ...parts, basePath: '/portal' }))
})
