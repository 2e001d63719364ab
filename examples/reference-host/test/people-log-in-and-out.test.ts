import { eventTypeOf } from '@x/events-core'
import { expect, it, vi } from 'vitest'
import { onEachDatabase } from './each-database.ts'
import { jsonOf, openTestHost, type TestHost, type TestRequest } from './open-test-host.ts'

// Passwords are dear to check, on purpose.
vi.setConfig({ testTimeout: 240_000 })

const ada = { username: 'ada', displayName: 'Ada', email: 'ada@example.org' }
const password = 'correct horse battery'

/** A host with a user who has a password, and a way to send as a browser does: with the cookie. */
async function openWithUser() {
  const host = await openTestHost()
  await host.send('/api/User', { body: ada })
  expect((await host.send('/api/User/1/password', { method: 'PUT', body: { password } })).status).toBe(204)
  const browse =
    (cookie: string | undefined) =>
    (path: string, request: TestRequest = {}) =>
      host.send(path, {
        ...request,
        token: undefined,
        headers: { ...(cookie === undefined ? {} : { cookie }), ...request.headers },
      })
  return {
    host,
    browse,
    logIn: (body: object = { username: 'ada', password }, request: TestRequest = {}) =>
      browse(undefined)('/api/User/login', { ...request, body }),
    [Symbol.asyncDispose]: () => host[Symbol.asyncDispose](),
  }
}

const cookieOf = (answer: Response) => (answer.headers.get('set-cookie') ?? '').split(';')[0] ?? ''
const types = async (host: TestHost) => (await host.events()).map(eventTypeOf)

onEachDatabase('logs in with a password, and out again, and tells of both', async () => {
  await using session = await openWithUser()
  const { host, browse } = session
  const answer = await session.logIn()
  expect(answer.status).toBe(200)
  expect(await answer.json()).toEqual({ userId: 1, tenantId: 1, ...ada })
  expect(answer.headers.get('set-cookie')).toMatch(
    /^host_session=[\w-]{43}; Max-Age=43200; Path=\/; Expires=[^;]+; HttpOnly; SameSite=Lax$/,
  )
  const asAda = browse(cookieOf(answer))
  expect(await jsonOf(asAda('/api/User/current'))).toMatchObject(ada)
  expect((await browse(undefined)('/api/User/current')).status).toBe(401)

  const out = await asAda('/api/User/logout', { method: 'POST' })
  expect([out.status, out.headers.get('set-cookie')]).toEqual([
    204,
    expect.stringContaining('host_session=;'),
  ])
  expect((await asAda('/api/User/current')).status).toBe(401)
  expect((await asAda('/api/User/logout', { method: 'POST' })).status).toBe(204)

  const [login, logout] = (await host.events()).slice(-3)
  expect(login).toMatchObject({ entityName: 'User', action: 'Login', entityId: 1, siteKey: '1:1' })
  expect(logout).toMatchObject({ entityName: 'User', action: 'Logout', entityId: 1, siteKey: '1:1' })
  expect(JSON.stringify(await host.events())).not.toMatch(/scrypt|host_session/)
})

onEachDatabase('keeps neither passwords nor sessions as they are', async () => {
  await using session = await openWithUser()
  const cookie = cookieOf(await session.logIn())
  const { db } = session.host.host.services
  const kept = JSON.stringify([
    await db.selectFrom('userPassword').selectAll().execute(),
    await db.selectFrom('session').selectAll().execute(),
    await db.selectFrom('accessToken').selectAll().execute(),
  ])
  expect(kept).toContain('scrypt$')
  for (const secret of [password, cookie.split('=')[1] ?? '', session.host.host.adminToken]) {
    expect(kept).not.toContain(secret)
  }
})

it('lets an administrator do what a token does, and others read what is public', async () => {
  await using session = await openWithUser()
  const { host, browse } = session
  const asAda = browse(cookieOf(await session.logIn()))
  expect((await asAda('/api/Page')).status).toBe(200)
  expect((await asAda('/api/User')).status).toBe(403)
  expect((await asAda('/api/Page', { body: { name: 'Home' } })).status).toBe(403)

  await host.send('/api/Role', { body: { name: 'Administrators' } })
  await host.send('/api/UserRole', { body: { userId: 1, roleId: 1 } })
  expect((await asAda('/api/User')).status).toBe(200)
  expect((await asAda('/api/Page', { body: { name: 'Home' } })).status).toBe(201)
  expect((await asAda('/portal/api/endpoints')).status).toBe(200)

  await host.send('/api/UserRole/1', { method: 'DELETE' })
  expect((await asAda('/api/User')).status).toBe(403)
  expect((await asAda('/portal/api/endpoints')).status).toBe(401)
})

it('refuses who is wrong, without saying in what, and after some times whoever it is', async () => {
  await using session = await openWithUser()
  const refused = []
  for (const body of [
    { username: 'nobody', password },
    { username: 'ada', password: 'wrong' },
    { username: 'ada', password: 'Correct horse battery' },
    ...Array.from({ length: 3 }, () => ({ username: 'ada', password: 'guess' })),
  ]) {
    const answer = await session.logIn(body)
    expect(answer.headers.get('set-cookie')).toBeNull()
    refused.push([answer.status, (await jsonOf<{ detail: string }>(answer)).detail])
  }
  expect(new Set(refused.map((answer) => JSON.stringify(answer)))).toEqual(
    new Set(['[401,"The username or the password is wrong."]']),
  )
  const tooMany = await session.logIn()
  expect([tooMany.status, tooMany.headers.get('content-type')]).toEqual([
    429,
    expect.stringContaining('application/problem+json'),
  ])
  expect(Number(tooMany.headers.get('retry-after'))).toBeGreaterThan(0)
  expect(await types(session.host)).not.toContain('User.Login')
})

it('knows neither forged nor ended sessions, nor those of another tenant', async () => {
  await using session = await openWithUser()
  const { host, browse } = session
  const { hostName } = await host.addTenant('second.test')
  const cookie = cookieOf(await session.logIn())
  expect((await browse(cookie)('/api/User/current', { hostName })).status).toBe(401)
  for (const forged of ['host_session=', `host_session=${'x'.repeat(43)}`, 'host_session=../../x', 'a=b']) {
    expect((await browse(forged)('/api/User/current')).status).toBe(401)
    expect((await browse(forged)('/api/Page')).status).toBe(200)
    expect((await browse(forged)('/api/Page', { body: { name: 'A' } })).status).toBe(401)
  }
  const { db } = host.host.services
  await db.updateTable('session').set({ expiresOn: new Date().toISOString() }).execute()
  expect((await browse(cookie)('/api/User/current')).status).toBe(401)

  const again = cookieOf(await session.logIn())
  expect((await browse(again)('/api/User/current')).status).toBe(200)
  await host.send('/api/User/1/password', { method: 'PUT', body: { password: 'another password' } })
  expect((await browse(again)('/api/User/current')).status).toBe(401)
  expect((await session.logIn()).status).toBe(401)
})

it('refuses what another site makes a browser ask for', async () => {
  await using session = await openWithUser()
  const { host, browse } = session
  await host.send('/api/Role', { body: { name: 'Administrators' } })
  await host.send('/api/UserRole', { body: { userId: 1, roleId: 1 } })
  const asAda = browse(cookieOf(await session.logIn()))
  const page = { body: { name: 'Home' } }
  for (const headers of [
    { 'sec-fetch-site': 'cross-site' },
    { 'sec-fetch-site': 'same-site' },
    { origin: 'https://evil.example' },
    { origin: 'null' },
  ]) {
    expect((await asAda('/api/Page', { ...page, headers })).status, JSON.stringify(headers)).toBe(403)
    expect((await session.logIn(undefined, { headers })).status).toBe(403)
    expect((await asAda('/api/User/logout', { method: 'POST', headers })).status).toBe(403)
  }
  const own = { 'sec-fetch-site': 'same-origin', origin: host.host.url }
  expect((await asAda('/api/Page', { ...page, headers: own })).status).toBe(201)
})
