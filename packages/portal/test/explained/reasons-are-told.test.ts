import { testConsumer } from '@x/testkit'
import { expect, it } from 'vitest'
import { createPortal } from '../../src/index.ts'
import { openSender } from '../open-sender.ts'

async function openPortal() {
  const opened = await openSender({ sender: { circuit: { firstPauseSeconds: 300 } } })
  const authorize = (request: Request) =>
    ({ tenantId: request.headers.get('authorization') === 'stranger' ? 2 : 1, role: 'viewer' }) as const
  const portal = createPortal({ sender: opened.sender, authorize })
  async function get(path: string, who = 'viewer') {
    const headers = { authorization: who }
    const response = await portal.handle(new Request(`http://host/api${path}`, { headers }))
    return (await response.json()) as Readonly<Record<string, unknown>>
  }
  const raise = (entityId: number) =>
    opened.engine.syncManager.addSyncEvent({ tenantId: 1, siteId: 7 }, 'File', entityId, 'Update')
  return { ...opened, get, raise }
}

it('tells how an endpoint does, to its own tenant', async () => {
  await using portal = await openPortal()
  await using consumer = await testConsumer()
  consumer.answer(503)
  const { endpoint } = await portal.sender.endpoints.create({ tenantId: 1, url: consumer.url })
  await portal.raise(1)
  await portal.sender.drain()
  const health = await portal.get(`/endpoints/${endpoint.id}/health`)
  expect(health).toMatchObject({
    state: 'paused',
    pause: {
      until: expect.stringMatching(/Z$/),
      cause: 'failures',
      failures: [{ errorCode: 'http_status', status: 503 }],
    },
    waiting: 1,
  })
  expect(await portal.get(`/endpoints/${endpoint.id}/health`, 'stranger')).toMatchObject({
    status: 404,
    code: 'endpoint_not_found',
  })
})

it('tells why a delivery waits, in the list and with all that is known of it', async () => {
  await using portal = await openPortal()
  await using consumer = await testConsumer()
  consumer.answer(503)
  await portal.sender.endpoints.create({ tenantId: 1, url: consumer.url })
  await portal.raise(1)
  await portal.sender.drain()
  const reason = { code: 'paused', cause: 'failures', failures: [{ status: 503 }] }
  const { items } = await portal.get('/deliveries')
  expect(items).toMatchObject([{ reason }])
  const [{ id }] = items as [{ id: string }]
  expect(await portal.get(`/deliveries/${id}`)).toMatchObject({ reason, resend: 'sends' })
})

it('finds an event, and tells who got it', async () => {
  await using portal = await openPortal()
  await using consumer = await testConsumer()
  await portal.sender.endpoints.create({ tenantId: 1, url: consumer.url })
  await portal.sender.endpoints.create({ tenantId: 1, url: consumer.url, eventTypes: ['Page.*'] })
  const { id } = await portal.raise(7)
  await portal.sender.drain()
  const found = await portal.get('/raised-events?entityName=File&entityId=7&eventType=*.Update&limit=1')
  expect(found).toEqual({
    items: [expect.objectContaining({ id, entityId: 7, eventType: 'File.Update' })],
    next: null,
    searchedBackTo: null,
  })
  expect(await portal.get(`/raised-events/${id}`)).toMatchObject({
    endpoints: [
      { delivery: { state: 'succeeded', reason: { code: 'succeeded' } } },
      { reason: { code: 'event_type', eventTypes: ['Page.*'] } },
    ],
  })
  expect(await portal.get('/raised-events?entityId=7', 'stranger')).toMatchObject({ items: [] })
  expect(await portal.get(`/raised-events/${id}`, 'stranger')).toMatchObject({ code: 'event_not_found' })
})
