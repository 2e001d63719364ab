import { request as sendRequest } from 'node:http'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { PortalUser } from '../../src/authorize.ts'
import { isNormalPath } from '../../src/normal-path.ts'
import { adapters } from '../adapter-servers.ts'
import { openSender } from '../open-sender.ts'

const MANAGER: PortalUser = { tenantId: 1, role: 'manager' }

/** Sends a request target as it is: fetch would tidy it up. */
async function send(url: string, target: string, method = 'GET', headers: Record<string, string> = {}) {
  const { hostname, port } = new URL(url)
  return new Promise<{ status: number; text: string; cacheControl: string | undefined }>(
    (resolve, reject) => {
      const outgoing = sendRequest({ hostname, port, path: target, method, headers })
      outgoing.on('error', reject)
      outgoing.on('response', async (incoming) => {
        let text = ''
        for await (const chunk of incoming) text += chunk
        resolve({ status: incoming.statusCode ?? 0, text, cacheControl: incoming.headers['cache-control'] })
      })
      outgoing.end()
    },
  )
}

const OTHER_SPELLINGS = [
  '/portal/./api/session',
  '/portal/x/../api/session',
  '/portal/%2e/api/session',
  '/portal/%2E%2E/portal/api/session',
  '/portal//api/session',
  '/portal/api//session',
  '/portal/api/session/',
  '/portal/api/session//',
  '/portal/api/session/.',
  '/portal/api/%73ession',
  '/portal/api/sessio%6E',
  '/portal/api%2fsession',
  '/portal/api%2Fsession',
  '/portal/api\\session',
  '/portal/api%5Csession',
  '/portal/API/session',
  '/portal/api/Session',
  '/portal/api/session;a=b',
  '/portal/api;a=b/session',
  '/portal/api/session%20',
  '/portal/api/session%00',
  '/portal/api/session%',
  '/portal/api/session%c3',
  '/portal/api/session#x',
  '/portal/%61pi/session',
]

describe.each(Object.entries(adapters))('%s', (_name, start) => {
  it('takes each path in one spelling, so that what guards it by its path guards it whole', async () => {
    await using opened = await openSender()
    await using server = await start(opened, () => MANAGER)
    expect((await send(server.url, '/portal/api/session')).status).toBe(200)
    for (const target of OTHER_SPELLINGS) {
      const { status, text } = await send(server.url, target)
      expect.soft(status, `${target} ${text}`).toBeGreaterThanOrEqual(400)
      expect.soft(status, target).toBeLessThan(500)
      expect.soft(text, target).not.toContain('canSignOut')
    }
  })

  it('answers methods and hosts that no request of the web can have with a problem', async () => {
    await using opened = await openSender()
    await using server = await start(opened, () => MANAGER)
    const traced = await send(server.url, '/portal/api/endpoints', 'TRACE')
    expect([404, 405]).toContain(traced.status)
    for (const host of ['a b', 'x:y:z', '%']) {
      const { status } = await send(server.url, '/portal/api/endpoints', 'GET', { host })
      expect(status, host).toBeLessThan(500)
    }
  })
})

it('takes no path that a browser would write otherwise, or that decodes to another one it takes', () => {
  const segment = fc.oneof(
    fc.constantFrom(
      'api',
      'session',
      '.',
      '..',
      '',
      '%2e',
      '%2F',
      '%5c',
      '%61',
      'a;b',
      'ep_1',
      'é',
      '%C3%A9',
      '%c3%a9',
      'a%20b',
      'a:b',
      'a%3Ab',
    ),
    fc.string({ unit: 'binary', maxLength: 8 }),
  )
  fc.assert(
    fc.property(fc.array(segment, { maxLength: 5 }), (segments) => {
      const path = `/${segments.join('/')}`
      if (!isNormalPath(path)) return
      expect(new URL(path.replace(/^\/+/, '/'), 'http://host.example').pathname).toBe(path)
      expect(path).not.toMatch(/\/\/|[;\\#?]|%2e|%2f|%5c/i)
      const decoded = path.slice(1).split('/').map(decodeURIComponent)
      expect(isNormalPath(`/${decoded.map(encodeURIComponent).join('/')}`)).toBe(true)
    }),
    { numRuns: 2_000 },
  )
})
