import { describe, expect, it } from 'vitest'
import type { PortalUser } from '../src/authorize.ts'
import { adapters } from './adapter-servers.ts'
import { openSender } from './open-sender.ts'
import { openStream } from './read-changes.ts'

const MANAGER: PortalUser = { tenantId: 1, role: 'manager' }
const authorization = 'Bearer manager'
const userOf = (header: string | undefined) => (header === authorization ? MANAGER : undefined)

describe.each(Object.entries(adapters))('%s', (_name, start) => {
  it('serves pages, which ask for nothing from elsewhere', async () => {
    await using opened = await openSender()
    await using server = await start(opened, userOf)
    const bare = await fetch(server.url, { redirect: 'manual' })
    expect([bare.status, bare.headers.get('location')]).toEqual([308, '/portal/'])

    const page = await fetch(`${server.url}/`)
    expect([page.status, page.headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8'])
    expect(page.headers.get('content-security-policy')).toContain("default-src 'none'; script-src 'self'")
    expect(page.headers.get('content-security-policy')).toContain("frame-ancestors 'none'")
    expect(page.headers.get('x-content-type-options')).toBe('nosniff')
    const html = await page.text()
    expect(html).not.toMatch(/<script>|<style|https?:\/\//)
    const [, script = ''] = /<script type="module"[^>]* src="\.\/(assets\/[^"]+)"/.exec(html) ?? []

    const asset = await fetch(`${server.url}/${script}`, { headers: { 'accept-encoding': 'gzip' } })
    expect(asset.headers.get('content-type')).toBe('text/javascript; charset=utf-8')
    expect(asset.headers.get('cache-control')).toContain('immutable')
    expect(asset.headers.get('content-encoding')).toBe('gzip')
    expect(await asset.text()).toContain('api/')
    expect((await fetch(`${server.url}/${script}`, { method: 'HEAD' })).status).toBe(200)
    for (const path of ['/assets/nothing.js', '/assets/..%2f..%2fpackage.json', '/..%2fpackage.json']) {
      expect((await fetch(`${server.url}${path}`)).status, path).toBe(404)
    }
    expect((await fetch(`${server.url}/`, { method: 'POST' })).status).toBe(405)
  })

  it('lets pages show it in a frame that the host has named', async () => {
    await using opened = await openSender()
    const frameAncestors = ["'self'", 'https://admin.example.com']
    await using server = await start({ ...opened, frameAncestors }, userOf)
    const page = await fetch(`${server.url}/`)
    expect(page.headers.get('content-security-policy')).toContain(
      "frame-ancestors 'self' https://admin.example.com;",
    )
  })

  it('answers the API to whom authorize knows, reads bodies, and says what is wrong with them', async () => {
    await using opened = await openSender()
    await using server = await start(opened, userOf)
    const api = `${server.url}/api`
    expect((await fetch(`${api}/endpoints`)).status).toBe(401)
    const headers = { authorization, 'content-type': 'application/json' }
    const post = (body: string, more = {}) =>
      fetch(`${api}/endpoints`, { method: 'POST', headers: { ...headers, ...more }, body })
    const created = await post('{"url":"https://example.com/hook","description":"é"}')
    expect(created.status).toBe(201)
    expect(created.headers.get('cache-control')).toBe('no-store')
    const { endpoint } = (await created.json()) as { endpoint: { id: string; description: string } }
    expect(endpoint.description).toBe('é')
    expect(created.headers.get('location')).toBe(`/portal/api/endpoints/${endpoint.id}`)
    expect((await post('{"url":1}')).status).toBe(400)
    expect((await post('{}', { 'sec-fetch-site': 'cross-site' })).status).toBe(403)
    expect((await fetch(`${api}/endpoints/${endpoint.id}`, { method: 'DELETE', headers })).status).toBe(204)
    const missing = await fetch(`${api}/endpoints/${endpoint.id}`, { headers })
    expect(missing.status).toBe(404)
    expect(missing.headers.get('content-type')).toMatch(/^application\/problem\+json/)
  })

  it('ends every kind of session with one sign-out', async () => {
    await using opened = await openSender()
    await using server = await start(opened, userOf)
    const answer = await fetch(`${server.url}/api/session`, { method: 'DELETE' })
    expect(answer.status).toBe(204)
    expect(answer.headers.getSetCookie().map((cookie) => cookie.split(';')[0])).toEqual([
      'x_portal_session=',
      'x_portal_link=',
    ])
  })

  it('streams what changes, until whoever listens goes away', async () => {
    await using opened = await openSender()
    await using server = await start(opened, userOf)
    const { sender } = opened
    await using stream = await openStream(`${server.url}/api/events`, { authorization })
    expect(stream.status).toBe(200)
    expect(stream.headers.get('content-type')).toBe('text/event-stream')
    await stream.until((text) => text.includes('event: change'))
    const { endpoint } = await sender.endpoints.create({ tenantId: 1, url: 'http://127.0.0.1:9999/' })
    expect(await stream.until((text) => text.includes(endpoint.id))).toContain('event: change')
  })
})
