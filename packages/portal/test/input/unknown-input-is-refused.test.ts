import { expect, it } from 'vitest'
import { createPortal } from '../../src/index.ts'
import { portalRoutes } from '../../src/portal-handler.ts'
import { openSender } from '../open-sender.ts'

it('refuses a parameter or field that a route does not know, and names those it does', async () => {
  await using opened = await openSender()
  const { sender, engine } = opened
  const { endpoint } = await sender.endpoints.create({ tenantId: 1, url: 'http://127.0.0.1:9999/' })
  const portal = createPortal({
    sender,
    engine,
    authorize: () => ({ tenantId: 1, role: 'manager', operator: true }),
  })
  const send = async (method: string, path: string, body?: string) => {
    const headers = { 'content-type': 'application/json' }
    const request = new Request(`http://host${path}`, { method, headers, ...(body ? { body } : {}) })
    const response = await portal.handle(request)
    return { status: response.status, body: (await response.json()) as object }
  }
  const session = { method: 'GET', path: '/api/session' }
  const stream = { method: 'GET', path: '/api/events' }
  for (const { method, path } of [...portalRoutes(sender, engine), session, stream]) {
    const target = path.replace(':id', endpoint.id)
    expect(await send(method, `${target}?surprise=1`), path).toMatchObject({
      status: 400,
      body: { code: 'unknown_parameter', field: 'surprise' },
    })
    if (method === 'GET') continue
    expect(await send(method, target, '{"surprise":1}'), path).toMatchObject({
      status: 400,
      body: { code: 'unknown_field', field: 'surprise' },
    })
  }
  expect(await send('GET', '/api/deliveries?surprise=1')).toMatchObject({
    body: { detail: expect.stringContaining('known are search, endpointId, url') },
  })
  expect(await send('GET', '/api/deliveries?limit=1&limit=2')).toMatchObject({
    status: 400,
    body: { field: 'limit' },
  })
  expect((await sender.endpoints.get(endpoint.id)).enabled).toBe(true)
})
