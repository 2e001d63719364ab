import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { createEventEngine } from '@x/events-engine'
import { createWebhookSender } from '@x/sender'
import { temporaryFolder, testConsumer, waitFor } from '@x/testkit'
import Database from 'better-sqlite3'
import express, { type Request } from 'express'
import { Kysely, SqliteDialect } from 'kysely'
import { describe, expect, it } from 'vitest'
import { expressPortal, type PortalUser } from '../src/express.ts'
import { createPortal } from '../src/index.ts'

const USERS: Record<string, PortalUser> = {
  manager: { tenantId: 1, role: 'manager' },
  viewer: { tenantId: 1, role: 'viewer' },
  stranger: { tenantId: 2, role: 'manager' },
}

/** A real Express server with the portal at /portal, and a sender that delivers to this machine. */
async function openPortal({ parseFirst = false } = {}) {
  const folder = await temporaryFolder()
  const db = new Kysely<unknown>({
    dialect: new SqliteDialect({ database: new Database(join(folder.path, 'host.db')) }),
  })
  const engine = createEventEngine({ db })
  const sender = createWebhookSender({
    engine,
    encryptionKey: randomBytes(32),
    network: { allow: ['127.0.0.0/8'] },
  })
  await sender.migrate()
  await sender.start()
  await engine.start()
  const app = express()
  if (parseFirst) app.use(express.json())
  const authorize = (request: Request) => USERS[request.get('authorization')?.replace('Bearer ', '') ?? '']
  app.use('/portal', expressPortal({ sender, authorize }))
  const server = app.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`

  async function call(
    who: string,
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ) {
    const response = await fetch(`${url}/portal/api${path}`, {
      method,
      headers: {
        authorization: `Bearer ${who}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    })
    const text = await response.text()
    return {
      status: response.status,
      headers: response.headers,
      body: (text === '' ? undefined : JSON.parse(text)) as never as Record<string, unknown>,
    }
  }
  return {
    engine,
    sender,
    call,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
      await sender.stop()
      await engine.stop()
      await db.destroy()
      await folder[Symbol.asyncDispose]()
    },
  }
}

describe('a manager', () => {
  it.each([false, true])(
    'makes, changes, tests and deletes an endpoint (body parsed before: %s)',
    async (parseFirst) => {
      await using portal = await openPortal({ parseFirst })
      await using consumer = await testConsumer()
      const { call } = portal
      const created = await call('manager', 'POST', '/endpoints', {
        url: consumer.url,
        eventTypes: ['File.*'],
        headers: { authorization: 'secret' },
      })
      expect(created.status).toBe(201)
      const { endpoint, secret } = created.body as {
        endpoint: { id: string; version: number }
        secret: string
      }
      expect(created.headers.get('location')).toBe(`/portal/api/endpoints/${endpoint.id}`)
      expect(created.headers.get('cache-control')).toBe('no-store')
      expect(secret).toMatch(/^whsec_/)

      expect(await call('manager', 'GET', '/endpoints')).toMatchObject({
        status: 200,
        body: { items: [{ id: endpoint.id, tenantId: 1, headers: { authorization: 'secret' } }], next: null },
      })
      const path = `/endpoints/${endpoint.id}`
      expect(await call('manager', 'PATCH', path, { description: 'files', version: 1 })).toMatchObject({
        status: 200,
        body: { description: 'files', version: 2 },
      })
      expect(await call('manager', 'PATCH', path, { description: 'late', version: 1 })).toMatchObject({
        status: 409,
        body: { code: 'version_conflict', field: 'version' },
      })
      expect(await call('manager', 'GET', `${path}/secrets`)).toMatchObject({
        status: 200,
        body: { items: [{ secret }] },
      })
      const rotated = await call('manager', 'POST', `${path}/rotate-secret`, { overlapSeconds: 60 })
      expect(rotated).toMatchObject({ status: 200, body: { secret: expect.stringMatching(/^whsec_/) } })
      expect((await call('manager', 'GET', `${path}/secrets`)).body).toMatchObject({
        items: [{}, { secret, expiresOn: expect.any(String) }],
      })

      const test = await call('manager', 'POST', `${path}/test`)
      expect(test).toMatchObject({ status: 202, body: { state: 'pending', eventType: 'Webhook.Test' } })
      await consumer.received(1)
      await waitFor(
        async () =>
          (await call('manager', 'GET', `/deliveries/${test.body['id']}`)).body['state'] === 'succeeded',
        'success',
      )
      expect(await call('manager', 'POST', `/deliveries/${test.body['id']}/resend`)).toMatchObject({
        status: 202,
      })
      await consumer.received(2)
      await waitFor(
        async () =>
          (await call('manager', 'GET', `/deliveries/${test.body['id']}`)).body['state'] === 'succeeded',
        'success again',
      )
      expect(await call('manager', 'POST', `/deliveries/${test.body['id']}/cancel`)).toMatchObject({
        status: 409,
        body: { code: 'delivery_not_pending' },
      })
      consumer.answer(500)
      const failing = await call('manager', 'POST', `${path}/test`)
      expect(await call('manager', 'POST', `/deliveries/${failing.body['id']}/cancel`)).toMatchObject({
        status: 200,
        body: { state: 'cancelled' },
      })

      expect(await call('manager', 'POST', `${path}/disable`)).toMatchObject({
        status: 200,
        body: { enabled: false },
      })
      expect(await call('manager', 'POST', `${path}/test`)).toMatchObject({
        status: 409,
        body: { code: 'endpoint_disabled' },
      })
      expect(await call('manager', 'POST', `${path}/enable`)).toMatchObject({
        status: 200,
        body: { enabled: true },
      })
      expect(await call('manager', 'DELETE', path)).toMatchObject({ status: 204, body: undefined })
      expect(await call('manager', 'GET', path)).toMatchObject({
        status: 404,
        body: { code: 'endpoint_not_found' },
      })
    },
  )
})

it('lists deliveries by endpoint, state and type, page by page', async () => {
  await using portal = await openPortal()
  await using consumer = await testConsumer()
  const { call } = portal
  const { endpoint } = await portal.sender.endpoints.create({ tenantId: 1, url: consumer.url })
  const site = { tenantId: 1, siteId: 7 }
  for (let id = 1; id <= 3; id++) await portal.engine.syncManager.addSyncEvent(site, 'File', id, 'Download')
  await portal.sender.drain()
  const first = await call('viewer', 'GET', '/deliveries?limit=2&state=succeeded&eventType=File.Download')
  expect(first.body).toMatchObject({ items: [{ endpointId: endpoint.id }, {}], next: expect.any(String) })
  const second = await call('viewer', 'GET', `/deliveries?limit=2&before=${first.body['next']}`)
  expect(second.body).toMatchObject({ items: [{}], next: null })
  expect((await call('viewer', 'GET', `/deliveries?endpointId=${endpoint.id}`)).body['items']).toHaveLength(3)
  expect((await call('viewer', 'GET', '/deliveries?endpointId=ep_x')).body).toEqual({
    items: [],
    next: null,
    searchedBackTo: null,
  })
  const middle = (first.body['items'] as { createdOn: string }[])[1]?.createdOn ?? ''
  expect((await call('viewer', 'GET', `/deliveries?createdAfter=${middle}`)).body['items']).toContainEqual(
    expect.objectContaining({ createdOn: middle }),
  )
  expect(
    (await call('viewer', 'GET', `/deliveries?createdBefore=${middle}`)).body['items'],
  ).not.toContainEqual(expect.objectContaining({ createdOn: middle }))
  expect(await call('viewer', 'GET', '/deliveries?createdAfter=never')).toMatchObject({
    status: 400,
    body: { field: 'createdAfter' },
  })
  expect(await call('viewer', 'GET', '/deliveries?state=lost')).toMatchObject({
    status: 400,
    body: { field: 'state' },
  })
  expect(await call('viewer', 'GET', '/deliveries?limit=0')).toMatchObject({
    status: 400,
    body: { field: 'limit' },
  })
})

it('searches and counts deliveries', async () => {
  await using portal = await openPortal()
  await using consumer = await testConsumer()
  const { call } = portal
  await portal.sender.endpoints.create({ tenantId: 1, url: `${consumer.url}/orders` })
  const site = { tenantId: 1, siteId: 7 }
  const [first] = [
    await portal.engine.syncManager.addSyncEvent(site, 'File', 1, 'Download'),
    await portal.engine.syncManager.addSyncEvent(site, 'Page', 2, 'Create'),
  ]
  await portal.sender.drain()
  const found = async (query: object) => {
    const path = `/deliveries?${new URLSearchParams(query as Record<string, string>)}`
    const { body } = await call('viewer', 'GET', path)
    return (body['items'] as { eventType: string }[])?.map(({ eventType }) => eventType)
  }
  expect(await found({ eventType: 'page.*', state: 'succeeded,pending', status: '2xx' })).toEqual([
    'Page.Create',
  ])
  expect(await found({ eventId: first.id, status: '204', hasFailedAttempts: 'false' })).toEqual([
    'File.Download',
  ])
  expect(await found({ search: first.id })).toEqual(['File.Download'])
  expect(await found({ search: '"action":"create"', url: 'ORDERS' })).toEqual(['Page.Create'])
  expect(await found({ status: '5xx' })).toEqual([])
  expect((await call('viewer', 'GET', '/deliveries/count?eventType=File.*')).body).toEqual({
    count: 1,
    isComplete: true,
  })
  expect((await call('stranger', 'GET', '/deliveries/count')).body).toEqual({ count: 0, isComplete: true })
  for (const [field, value] of Object.entries({
    status: '600',
    hasFailedAttempts: '1',
    errorCode: 'x',
    search: '',
  })) {
    const path = `/deliveries?${field}=${value}`
    expect(await call('viewer', 'GET', path), path).toMatchObject({ status: 400, body: { field } })
  }
})

it('charts what was attempted', async () => {
  await using portal = await openPortal()
  await using consumer = await testConsumer()
  const { call } = portal
  const { endpoint } = await portal.sender.endpoints.create({ tenantId: 1, url: consumer.url })
  await portal.engine.syncManager.addSyncEvent({ tenantId: 1, siteId: 7 }, 'File', 1, 'Download')
  await portal.sender.drain()
  const hour = new Date(Date.now() - 3_600_000).toISOString()
  const counts = { attempts: 1, succeeded: 1, failed: 0, latency: { p50Ms: expect.any(Number) } }
  expect(await call('viewer', 'GET', `/endpoints/${endpoint.id}/statistics`)).toMatchObject({
    status: 200,
    body: { bucketSeconds: 900, total: counts },
  })
  const { body } = await call('viewer', 'GET', `/statistics?since=${hour}&bucketSeconds=300`)
  expect(body).toMatchObject({ bucketSeconds: 300, total: counts })
  expect((body['buckets'] as { from: string }[])[0]?.from).toMatch(/^2.*00\.000Z$/)
  expect((await call('stranger', 'GET', '/statistics')).body).toMatchObject({ total: { attempts: 0 } })
  for (const [field, value] of [
    ['since', 'yesterday'],
    ['since', '5'],
    ['until', '2026-13-01'],
    ['bucketSeconds', 'x'],
    ['bucketSeconds', '61'],
  ]) {
    expect(await call('viewer', 'GET', `/statistics?${field}=${value}`)).toMatchObject({
      status: 400,
      body: { field },
    })
  }
})

it('recovers, replays and cancels in jobs, whose progress can be seen', async () => {
  await using portal = await openPortal()
  await using consumer = await testConsumer()
  const { call } = portal
  consumer.answer(410)
  await portal.engine.syncManager.addSyncEvent({ tenantId: 1, siteId: 7 }, 'File', 1, 'Download')
  await portal.sender.drain()
  const { endpoint } = await portal.sender.endpoints.create({ tenantId: 1, url: consumer.url })
  await portal.engine.syncManager.addSyncEvent({ tenantId: 1, siteId: 7 }, 'File', 2, 'Download')
  await portal.sender.drain()
  const path = `/endpoints/${endpoint.id}`
  expect(await call('manager', 'POST', `${path}/replay`, { since: '2026-01-01' })).toMatchObject({
    status: 409,
    body: { code: 'endpoint_disabled' },
  })
  await call('manager', 'POST', `${path}/enable`)
  consumer.answer(204)
  const recovered = await call('manager', 'POST', `${path}/recover`, { since: '2026-01-01T00:00:00Z' })
  expect(recovered).toMatchObject({ status: 202, body: { kind: 'recover', state: 'succeeded', affected: 1 } })
  const body = { since: '2026-01-01', eventTypes: ['File.*'], include: 'missing' }
  const replay = await call('manager', 'POST', `${path}/replay`, body)
  expect(replay).toMatchObject({
    status: 202,
    body: { kind: 'replay', options: { since: '2026-01-01T00:00:00.000Z', include: 'missing' } },
  })
  await consumer.received(3)
  const id = replay.body['id'] as string
  const job = await waitFor(async () => {
    const found = await call('viewer', 'GET', `/jobs/${id}`)
    return found.body['state'] === 'succeeded' && found.body
  }, 'the job to end')
  expect(job).toMatchObject({ affected: 1, done: job['total'] })
  const cancelled = await call('manager', 'POST', `${path}/cancel-pending`)
  expect(cancelled).toMatchObject({ status: 202, body: { kind: 'cancel', affected: 0 } })
  const page = await call('viewer', 'GET', `/jobs?endpointId=${endpoint.id}&limit=2`)
  expect(page.body).toMatchObject({ items: [{ id: cancelled.body['id'] }, { id }], next: id })
  expect((await call('viewer', 'GET', `/jobs?before=${id}`)).body).toMatchObject({
    items: [{ id: recovered.body['id'] }],
    next: null,
  })
  expect(await call('manager', 'POST', `/jobs/${id}/cancel`)).toMatchObject({
    status: 200,
    body: { state: 'succeeded' },
  })
  for (const [action, input, field] of [
    ['recover', {}, 'since'],
    ['recover', { since: 5 }, 'since'],
    ['replay', { since: '2026-01-01', include: 'some' }, 'include'],
    ['replay', { since: '2026-01-01', eventTypes: 'File.*' }, 'eventTypes'],
    ['cancel-pending', { since: '2026-01-01' }, 'since'],
    ['cancel-pending', { until: 'soon' }, 'until'],
  ] as const) {
    expect(await call('manager', 'POST', `${path}/${action}`, input)).toMatchObject({
      status: 400,
      body: { field },
    })
  }
})

it('shows a viewer everything but secrets, and lets them change nothing', async () => {
  await using portal = await openPortal()
  const { call } = portal
  const { endpoint } = await portal.sender.endpoints.create({
    tenantId: 1,
    url: 'https://example.com',
    headers: { authorization: 'Bearer abc' },
  })
  const path = `/endpoints/${endpoint.id}`
  expect(await call('viewer', 'GET', path)).toMatchObject({
    status: 200,
    body: { headers: { authorization: '***' } },
  })
  expect((await call('viewer', 'GET', '/endpoints')).body).toMatchObject({
    items: [{ headers: { authorization: '***' } }],
  })
  for (const [method, target, body] of [
    ['POST', '/endpoints', { url: 'https://example.com' }],
    ['PATCH', path, { description: 'x' }],
    ['DELETE', path],
    ['POST', `${path}/disable`],
    ['POST', `${path}/rotate-secret`],
    ['POST', `${path}/test`],
    ['GET', `${path}/secrets`],
    ['GET', `${path}/keys`],
    ['POST', `${path}/keys`],
    ['POST', `${path}/rotate-key`, { keyId: 'key_x' }],
    ['POST', `${path}/revoke-key`, { keyId: 'key_x' }],
    ['POST', '/deliveries/dlv_1_1/resend'],
    ['POST', '/deliveries/dlv_1_1/cancel'],
    ['POST', `${path}/cancel-pending`],
    ['POST', `${path}/recover`, { since: '2026-01-01' }],
    ['POST', `${path}/replay`, { since: '2026-01-01' }],
    ['POST', '/jobs/job_x/cancel'],
  ] as const) {
    expect(await call('viewer', method, target, body)).toMatchObject({
      status: 403,
      body: { code: 'forbidden' },
    })
  }
})

it("answers another tenant's ids as if they did not exist, on every route", async () => {
  await using portal = await openPortal()
  const { call } = portal
  const { endpoint } = await portal.sender.endpoints.create({ tenantId: 1, url: 'http://127.0.0.1:9999/' })
  const delivery = await portal.sender.sendTest(endpoint.id)
  const job = await portal.sender.deliveries.cancelPending(endpoint.id, { eventTypes: ['Page.*'] })
  const path = `/endpoints/${endpoint.id}`
  for (const [method, target, body] of [
    ['GET', path],
    ['PATCH', path, { description: 'x' }],
    ['DELETE', path],
    ['POST', `${path}/enable`],
    ['POST', `${path}/disable`],
    ['POST', `${path}/rotate-secret`],
    ['POST', `${path}/test`],
    ['GET', `${path}/secrets`],
    ['GET', `${path}/keys`],
    ['POST', `${path}/keys`],
    ['POST', `${path}/rotate-key`, { keyId: 'key_x' }],
    ['POST', `${path}/revoke-key`, { keyId: 'key_x' }],
    ['GET', `/deliveries/${delivery.id}`],
    ['POST', `/deliveries/${delivery.id}/resend`],
    ['POST', `/deliveries/${delivery.id}/cancel`],
    ['GET', `/endpoints?before=${endpoint.id}`],
    ['GET', `${path}/statistics`],
    ['POST', `${path}/cancel-pending`],
    ['POST', `${path}/recover`, { since: '2026-01-01' }],
    ['POST', `${path}/replay`, { since: '2026-01-01' }],
    ['GET', `/jobs/${job.id}`],
    ['POST', `/jobs/${job.id}/cancel`],
    ['GET', `/jobs?before=${job.id}`],
  ] as const) {
    expect(await call('stranger', method, target, body), `${method} ${target}`).toMatchObject({ status: 404 })
  }
  expect((await call('stranger', 'GET', '/endpoints')).body['items']).toEqual([])
  expect((await call('stranger', 'GET', '/deliveries')).body['items']).toEqual([])
  expect((await call('stranger', 'GET', '/jobs')).body['items']).toEqual([])
  expect((await call('stranger', 'GET', `/deliveries?endpointId=${endpoint.id}`)).body['items']).toEqual([])
  expect((await portal.sender.endpoints.get(endpoint.id)).version).toBe(1)
})

it('says what is wrong with a request in a problem document', async () => {
  await using portal = await openPortal()
  const { call } = portal
  const problem = (status: number, code: string) => ({
    status,
    body: { type: 'about:blank', title: expect.any(String), status, code, detail: expect.any(String) },
  })
  const unknown = await call('nobody', 'GET', '/endpoints')
  expect(unknown).toMatchObject(problem(401, 'unauthorized'))
  expect(unknown.headers.get('content-type')).toBe('application/problem+json')
  expect(await call('manager', 'GET', '/nothing')).toMatchObject(problem(404, 'not_found'))
  const wrongMethod = await call('manager', 'PUT', '/endpoints')
  expect(wrongMethod).toMatchObject(problem(405, 'method_not_allowed'))
  expect(wrongMethod.headers.get('allow')).toBe('GET, POST')
  expect(await call('manager', 'POST', '/endpoints', '{"url":')).toMatchObject(problem(400, 'invalid_json'))
  expect(await call('manager', 'POST', '/endpoints', '[]')).toMatchObject(problem(400, 'invalid_json'))
  expect(
    await call('manager', 'POST', '/endpoints', { url: 'https://example.com', tenantId: 2 }),
  ).toMatchObject({
    ...problem(400, 'unknown_field'),
    body: { field: 'tenantId' },
  })
  expect(await call('manager', 'POST', '/endpoints', { url: 'http://10.0.0.1/' })).toMatchObject({
    ...problem(400, 'forbidden_address'),
    body: { field: 'url' },
  })
  expect(await call('manager', 'POST', '/endpoints', { url: 1 })).toMatchObject({
    status: 400,
    body: { field: 'url' },
  })
  expect(await call('manager', 'POST', '/endpoints', { url: '' })).toMatchObject({
    status: 400,
    body: { field: 'url' },
  })
  expect(
    await call('manager', 'POST', '/endpoints', {
      url: 'https://example.com',
      description: 'x'.repeat(70_000),
    }),
  ).toMatchObject(problem(413, 'body_too_large'))
  expect(await call('manager', 'POST', '/endpoints', '{}', { 'content-type': 'text/plain' })).toMatchObject(
    problem(415, 'unsupported_media_type'),
  )
  expect(await portal.sender.endpoints.list({ tenantId: 1 })).toEqual([])
})

it('refuses changes that another site makes a browser ask for', async () => {
  await using portal = await openPortal()
  const body = { url: 'https://example.com' }
  for (const headers of [
    { 'sec-fetch-site': 'cross-site' },
    { 'sec-fetch-site': 'same-site' },
    { origin: 'https://evil.example' },
  ]) {
    expect(await portal.call('manager', 'POST', '/endpoints', body, headers as never)).toMatchObject({
      status: 403,
      body: { code: 'cross_site' },
    })
  }
  expect(
    await portal.call('manager', 'POST', '/endpoints', body, { 'sec-fetch-site': 'same-origin' }),
  ).toMatchObject({
    status: 201,
  })
})

it('answers requests of the web, wherever it is mounted, and tells nobody of errors inside', async () => {
  await using portal = await openPortal()
  const logged: string[] = []
  const record = (_details: object, message: string) => void logged.push(message)
  const web = createPortal({
    sender: portal.sender,
    basePath: '/hooks/',
    logger: { debug: record, info: record, warn: record, error: record },
    authorize(request) {
      if (request.headers.has('x-break')) throw new Error('the session store is away')
      return USERS['manager']
    },
  })
  const get = (path: string, headers = {}) => web.handle(new Request(`http://host${path}`, { headers }))
  expect((await get('/hooks/api/endpoints')).status).toBe(200)
  expect((await get('/api/endpoints')).status).toBe(404)
  expect((await get('/hooksapi/endpoints')).status).toBe(404)
  const broken = await get('/hooks/api/endpoints', { 'x-break': '1' })
  expect(broken.status).toBe(500)
  expect(await broken.text()).not.toContain('session store')
  expect(logged).toEqual(['The webhook portal failed'])
})
