import { inspect } from 'node:util'
import fc from 'fast-check'
import { expect, it, vi } from 'vitest'
import type { Route } from '../../src/describe/route.ts'
import { createPortal, type PortalUser } from '../../src/index.ts'
import { portalRoutes } from '../../src/portal-handler.ts'
import { openSender } from '../open-sender.ts'

// Thousands of requests, which take long where much else is going on.
vi.setConfig({ testTimeout: 240_000 })

const OPERATOR: PortalUser = { tenantId: 1, role: 'manager', operator: true }
const URL_OF_HOST = 'http://host.example'

/** Texts, numbers and shapes that something below may choke on. */
const TEXTS = [
  '\0',
  'ep_\0',
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
const hostileText = fc.oneof(
  fc.constantFrom(...TEXTS),
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.stringMatching(/^(ep|dlv|job|evt)_[0-9a-z_-]{0,40}$/),
)
const VALUES: readonly unknown[] = [
  ...TEXTS,
  null,
  true,
  0,
  -1,
  0.5,
  1e300,
  Number.MAX_SAFE_INTEGER,
  -(2 ** 31) - 1,
  [],
  {},
  [null],
  ['*', '\0'],
  { toString: 1, valueOf: 1 },
  [{ toString: 1, valueOf: 1 }],
  { by: { toString: 1, valueOf: 1 } },
  { by: '\0' },
  { min: {}, max: [] },
  { limit: 1e9, perSeconds: -1 },
  { limit: 1, perSeconds: 1 },
  { '\0': 'x' },
  { a: '\0' },
  { ['__proto__']: 'x' },
  { cert: 1, key: 2 },
  { cert: 'x', key: 'y', passphrase: 'z' },
  '2026-01-01',
  '9999-12-31T23:59:59.999Z',
  '0000-01-01',
  ['File.Download'],
  [1, 2],
]
const hostileValue = fc.oneof(
  fc.constantFrom(...VALUES),
  fc.json().map((text) => JSON.parse(text) as unknown),
)
const hostileBody = (route: Route) =>
  fc.oneof(
    fc
      .dictionary(
        fc.constantFrom(...Object.keys(route.fields ?? { unknown: {} }), 'tenantId'),
        hostileValue,
        { maxKeys: 3 },
      )
      .map((fields) => JSON.stringify(fields)),
    hostileValue.map((value) => JSON.stringify(value) ?? ''),
    fc.constantFrom('{', '[', '"', '{"url":', '\ufeff{}', '[1e999]', '{"a":1}{"b":2}'),
    fc.integer({ min: 1, max: 30_000 }).map((depth) => `{"url":${'['.repeat(depth)}${']'.repeat(depth)}}`),
    fc.constant(`{"description":${'['.repeat(20_000)}${']'.repeat(20_000)},"url":"https://example.com"}`),
  )
const hostileQuery = (route: Route) =>
  fc.oneof(
    fc
      .array(fc.tuple(fc.constantFrom(...Object.keys(route.query ?? {}), 'unknown', 'limit'), hostileText), {
        maxLength: 3,
      })
      .map((pairs) =>
        pairs.map(([name, value]) => `${name}=${encodeURIComponent(value.toWellFormed())}`).join('&'),
      ),
    fc.constantFrom(
      '%',
      'limit=%',
      'before=%00',
      'before=%ff',
      'limit=1&limit=2',
      '=',
      '&&',
      '__proto__=1',
      'a[b]=c',
    ),
  )
const contentType = fc.oneof(
  fc.constant('application/json'),
  fc.constantFrom(
    'application/json; charset=utf-16',
    'text/plain',
    'application/x-www-form-urlencoded',
    'multipart/form-data',
    '',
  ),
)
/** What each body holds that is to come as far as the field in question. */
const SOUND: Readonly<Record<string, object>> = {
  'POST /api/endpoints': { url: 'http://127.0.0.1:9999/' },
  'POST /api/endpoints/:id/recover': { since: '2026-01-01' },
  'POST /api/endpoints/:id/replay': { since: '2026-01-01' },
}

for (const dialect of ['sqlite', 'postgres'] as const) {
  it(`answers whatever is sent to any route with what was wanted or a problem, never with 5xx (${dialect})`, async () => {
    await using opened = await openSender({ dialect })
    const { sender, engine } = opened
    await engine.subscribe({ entityChanged() {} }, { name: 'durable', mode: 'durable' })
    const { endpoint } = await sender.endpoints.create({ tenantId: 1, url: 'http://127.0.0.1:9999/' })
    const { id: deliveryId } = await sender.sendTest(endpoint.id)
    const failures: unknown[] = []
    const note = () => {}
    const portal = createPortal({
      sender,
      engine,
      authorize: () => OPERATOR,
      logger: { debug: note, info: note, warn: note, error: (details) => void failures.push(details) },
    })
    const ids = fc.oneof(
      fc.constantFrom(endpoint.id, deliveryId, 'durable', 'webhooks', 'dlv_999999999999999_999999999999999'),
      hostileText.map((text) => encodeURIComponent(text.toWellFormed())),
      fc.constantFrom('%00', '%', '%ff', '%ud800', '..%2f', '%5c'),
    )

    async function send(route: Route, id: string, query: string, body: string, type: string) {
      // So that there goes on being one to try the others on.
      const isLast = route.method === 'DELETE' && id === endpoint.id
      const url = `${URL_OF_HOST}${route.path.replace(':id', isLast ? 'ep_none' : id)}${query === '' ? '' : `?${query}`}`
      const response = await portal.handle(
        new Request(url, {
          method: route.method,
          headers: { 'content-type': type },
          ...(route.method === 'GET' ? {} : { body }),
        }),
      )
      const text = await response.text()
      const label = `${route.method} ${url} ${body.slice(0, 200)} -> ${response.status} ${text.slice(0, 300)}`
      expect(response.status, `${label} ${inspect(failures.at(-1))}`).toBeLessThan(500)
      expect(response.headers.get('cache-control'), label).toContain('no-store')
      if (response.status < 400) return
      expect(response.headers.get('content-type'), label).toBe('application/problem+json')
      expect(JSON.parse(text), label).toMatchObject({ status: response.status, code: expect.any(String) })
    }

    for (const route of portalRoutes(sender, engine)) {
      const id = /deliveries/.test(route.path)
        ? deliveryId
        : /subscr/.test(route.path)
          ? 'durable'
          : endpoint.id
      for (const value of VALUES) {
        for (const field of Object.keys(route.fields ?? {})) {
          const body = { ...SOUND[`${route.method} ${route.path}`], [field]: value }
          await send(route, id, '', JSON.stringify(body), 'application/json')
        }
        if (typeof value !== 'string') continue
        const text = encodeURIComponent(value.toWellFormed())
        for (const name of Object.keys(route.query ?? {})) await send(route, id, `${name}=${text}`, '', '')
        await send(route, text, '', '', '')
      }
      const all = fc.tuple(ids, hostileQuery(route), hostileBody(route), contentType)
      await fc.assert(
        fc.asyncProperty(all, ([someId, query, body, type]) => send(route, someId, query, body, type)),
        { numRuns: 25 },
      )
    }
    expect(failures).toEqual([])
  })
}
