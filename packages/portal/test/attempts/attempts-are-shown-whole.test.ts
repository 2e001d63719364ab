import { testConsumer } from '@x/testkit'
import { expect, it } from 'vitest'
import { createPortal } from '../../src/index.ts'
import type { DeliveryAttempt, DeliveryDetails, Page } from '../../src/ui/api-types.ts'
import { openSender } from '../open-sender.ts'

async function openPortal() {
  const opened = await openSender()
  const authorize = (request: Request) =>
    ({
      tenantId: 1,
      role: request.headers.get('authorization') === 'manager' ? 'manager' : 'viewer',
    }) as const
  const portal = createPortal({ sender: opened.sender, authorize })
  async function get(path: string, authorization = 'viewer') {
    const response = await portal.handle(
      new Request(`http://host/api${path}`, { headers: { authorization } }),
    )
    return { status: response.status, body: await response.json() }
  }
  return { ...opened, get }
}

it('shows both sides of an attempt, and values of headers only to managers who ask for them', async () => {
  await using portal = await openPortal()
  await using consumer = await testConsumer()
  consumer.answer(() => ({ status: 500, headers: { 'x-request-id': 'r1', 'set-cookie': 'a=b' }, body: 'no' }))
  const { endpoint } = await portal.sender.endpoints.create({
    tenantId: 1,
    url: consumer.url,
    headers: { authorization: 'Bearer abc' },
  })
  const { id } = await portal.sender.sendTest(endpoint.id)
  await portal.sender.drain()
  const path = `/deliveries/${id}`
  const requestOf = async (query: string, who: string) =>
    ((await portal.get(path + query, who)).body as DeliveryDetails).attempts[0]?.request
  const masked = { headers: { authorization: '***' }, maskedHeaders: ['authorization'], source: 'kept' }
  expect(await requestOf('', 'viewer')).toMatchObject(masked)
  expect(await requestOf('', 'manager')).toMatchObject(masked)
  expect(await requestOf('?revealHeaders=true', 'manager')).toMatchObject({
    headers: { authorization: 'Bearer abc' },
    maskedHeaders: [],
  })
  for (const refused of [`${path}?revealHeaders=true`, `${path}/attempts?revealHeaders=true`]) {
    expect(await portal.get(refused)).toMatchObject({ status: 403, body: { code: 'forbidden' } })
  }
  const { items, next } = (await portal.get(`${path}/attempts`)).body as Page<DeliveryAttempt>
  expect(next).toBeNull()
  expect(items).toMatchObject([
    {
      number: 1,
      request: masked,
      response: { status: 500, body: 'no', headers: { 'x-request-id': 'r1', 'set-cookie': '***' } },
      connection: { reused: false, viaProxy: false, remoteAddress: '127.0.0.1' },
      timings: { connectMs: expect.any(Number), firstByteMs: expect.any(Number) },
      errorCode: 'http_status',
    },
  ])
})

it('pages through attempts', async () => {
  await using portal = await openPortal()
  await using consumer = await testConsumer()
  consumer.answer(500)
  const { endpoint } = await portal.sender.endpoints.create({
    tenantId: 1,
    url: consumer.url,
    retrySchedule: [0, 0, 0],
  })
  const { id } = await portal.sender.sendTest(endpoint.id)
  await portal.sender.drain()
  const page = async (query: string) =>
    (await portal.get(`/deliveries/${id}/attempts?${query}`)).body as Page<DeliveryAttempt>
  const first = await page('limit=2')
  expect(first.items.map(({ number }) => number)).toEqual([3, 2])
  expect(first.next).toBe('2')
  const last = await page('limit=2&before=2')
  expect(last.items.map(({ number }) => number)).toEqual([1])
  expect(last.next).toBeNull()
  expect(await portal.get(`/deliveries/${id}/attempts?before=0`)).toMatchObject({
    status: 400,
    body: { code: 'invalid_argument', field: 'before' },
  })
})
