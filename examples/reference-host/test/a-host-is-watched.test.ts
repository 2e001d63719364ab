import { temporaryFolder, waitFor } from '@x/testkit'
import { expect, it, vi } from 'vitest'
import { startMain } from './start-main.ts'

// Hosts in processes of their own take long to start where much else is going on.
vi.setConfig({ testTimeout: 240_000 })

const json = { 'content-type': 'application/json' }
const encryptionKey = Buffer.alloc(32, 7).toString('base64')
const signingSecret = `whsec_${Buffer.alloc(32, 9).toString('base64')}`

it('shows what it, the engine and the sender measure, and logs no secret of anybody', async () => {
  await using folder = await temporaryFolder()
  await using host = startMain({
    HOST_DATA_DIR: folder.path,
    ADMIN_TOKEN: 'the-token-of-the-admin',
    ENCRYPTION_KEY: encryptionKey,
    LOG_LEVEL: 'debug',
  })
  const url = await host.ready()
  const headers = { ...json, authorization: 'Bearer the-token-of-the-admin' }
  const send = (path: string, method: string, body: object, extra = {}) =>
    fetch(url + path, { method, headers: { ...headers, ...extra }, body: JSON.stringify(body) })

  const user = { username: 'ada', displayName: 'Ada', email: 'ada@example.org' }
  await send('/api/User', 'POST', user)
  expect((await send('/api/User/1/password', 'PUT', { password: 'the-users-password' })).status).toBe(204)
  const logIn = (password: string) =>
    fetch(`${url}/api/User/login`, {
      method: 'POST',
      headers: json,
      body: JSON.stringify({ username: 'ada', password }),
    })
  const cookie = (await logIn('the-users-password')).headers.get('set-cookie')?.split(';')[0] ?? ''
  expect((await fetch(`${url}/api/User/current`, { headers: { cookie } })).status).toBe(200)
  expect((await logIn('the-wrong-password')).status).toBe(401)
  expect(
    (await fetch(`${url}/api/Page`, { headers: { authorization: 'Bearer the-wrong-token' } })).status,
  ).toBe(401)
  const endpoint = { url: 'https://example.com/hook', secret: signingSecret, eventTypes: ['Tenant.Delete'] }
  expect((await send('/portal/api/endpoints', 'POST', endpoint)).status).toBe(201)
  expect((await send('/portal/api/endpoints', 'POST', { ...endpoint, url: 'nowhere' })).status).toBe(400)
  expect((await send('/api/Page', 'POST', { name: 'Home', secret: 'in-a-body' })).status).toBe(201)
  const { token } = (await (await send('/api/Token/rotate', 'POST', {})).json()) as { token: string }

  const metrics = async () => fetch(`${url}/metrics`, { headers: { authorization: headers.authorization } })
  const shown = await waitFor(async () => {
    const text = await (await metrics()).text()
    return text.includes('/api/Token/rotate') && text
  }, 'the last request to be counted')
  expect(shown).toMatch(
    /http_server_request_duration_count\{[^}]*http_request_method="POST"[^}]*http_route="\/api\/Page\/?"[^}]*\} 1/,
  )
  expect(shown).toMatch(/^x_events_handling_duration_count/m)

  const requestIds = host.lines.filter((line) => line.includes('"requestId"'))
  expect(requestIds.length).toBeGreaterThan(8)
  const everything = `${host.lines.join('\n')}\n${shown}`
  for (const secret of [
    'the-token-of-the-admin',
    'the-users-password',
    'the-wrong-password',
    'the-wrong-token',
    'in-a-body',
    cookie.split('=')[1] ?? 'no cookie',
    token,
    encryptionKey,
    signingSecret,
    signingSecret.slice('whsec_'.length),
  ]) {
    expect.soft(everything.includes(secret), secret).toBe(false)
  }
  expect(await host.end('SIGTERM')).toBe(0)
})

it('shows its metrics to who has their token alone, where there is one', async () => {
  await using folder = await temporaryFolder()
  await using host = startMain({ HOST_DATA_DIR: folder.path, METRICS_TOKEN: 'see-what-was-measured' })
  const url = await host.ready()
  const status = async (headers: Record<string, string>) =>
    (await fetch(`${url}/metrics`, { headers })).status
  expect(await status({})).toBe(401)
  expect(await status({ authorization: 'Bearer see-what-was-measured-not' })).toBe(401)
  expect(await status({ authorization: 'Bearer see-what-was-measured' })).toBe(200)
})

it('shows its metrics to nobody for their address alone, but where it is set up so', async () => {
  await using folder = await temporaryFolder()
  const adminToken = 'the-token-of-the-admin'
  const status = async (url: string, headers: Record<string, string> = {}) => {
    const answer = await fetch(`${url}/metrics`, { headers })
    expect(answer.headers.get('cache-control')).toBe('no-store')
    return answer.status
  }
  {
    await using host = startMain({ HOST_DATA_DIR: folder.path, ADMIN_TOKEN: adminToken })
    const url = await host.ready()
    // A proxy on this machine looks just like this, if it does not say for whom it asks.
    expect(await status(url)).toBe(401)
    expect((await fetch(`${url}/metrics`)).headers.get('www-authenticate')).toBe('Bearer')
    expect(await status(url, { 'x-forwarded-for': '127.0.0.1' })).toBe(401)
    for (const path of ['/METRICS', '/metrics/', '/metrics?a', '//metrics', '/%6detrics', '/metrics;a']) {
      expect((await fetch(url + path)).status, path).toBeGreaterThanOrEqual(400)
    }
    expect(await status(url, { authorization: `Bearer ${adminToken}` })).toBe(200)
  }
  await using host = startMain({ HOST_DATA_DIR: folder.path, METRICS_OPEN: 'true', ADMIN_TOKEN: adminToken })
  expect(await status(await host.ready())).toBe(200)
})
