import { testConsumer, waitFor } from '@x/testkit'
import { expect } from 'vitest'
import { it } from '../each-database.ts'
import { type OpenHost, openHost, site, startHost } from '../open-host.ts'
import { listedDeliveries } from '../what-was-received.ts'

const raise = (host: OpenHost, id = 1, tenantId = 1) =>
  host.engine.syncManager.addSyncEvent({ tenantId, siteId: 7 }, 'File', id, 'Download')

it('lists deliveries, the newest first, page by page', async () => {
  await using host = await startHost()
  await using consumer = await testConsumer()
  const { endpoints, deliveries } = host.sender
  const { endpoint: a } = await endpoints.create({ tenantId: 1, url: consumer.url })
  await endpoints.create({ tenantId: 1, url: consumer.url, eventTypes: ['File.Download'] })
  await endpoints.create({ tenantId: 2, url: consumer.url })
  for (let id = 1; id <= 5; id++) await raise(host, id)
  await host.sender.drain()
  await host.engine.syncManager.addSyncEvent(site, 'Page', 1, 'Create')
  await raise(host, 6, 2)
  await host.sender.drain()

  const all = await deliveries.list({ tenantId: 1 })
  expect(all).toHaveLength(11)
  expect(all[0]).toMatchObject({
    endpointId: a.id,
    eventType: 'Page.Create',
    state: 'succeeded',
    attemptCount: 1,
  })
  const pages = []
  let before: string | undefined
  for (;;) {
    const page = await deliveries.list({ tenantId: 1, limit: 3, before })
    if (page.length === 0) break
    pages.push(...page)
    before = page.at(-1)?.id
  }
  expect(pages).toEqual(all)
  expect(await deliveries.list({ tenantId: 1, endpointId: a.id })).toHaveLength(6)
  expect(await deliveries.list({ tenantId: 1, eventType: 'Page.Create' })).toHaveLength(1)
  expect(await deliveries.list({ tenantId: 1, state: 'pending' })).toEqual([])
  expect(await deliveries.list({ tenantId: 1, state: 'succeeded' })).toHaveLength(11)
  expect(await deliveries.list({ tenantId: 2 })).toHaveLength(1)
  expect(await deliveries.list({ tenantId: 2, endpointId: a.id })).toEqual([])
})

it('tells what was sent, and what came back', async () => {
  await using host = await startHost({ retrySchedule: [0, 0.01] })
  await using consumer = await testConsumer()
  consumer.answer(() => ({ status: consumer.requests.length === 1 ? 500 : 200, body: 'well' }))
  const { endpoint } = await host.sender.endpoints.create({
    tenantId: 1,
    url: consumer.url,
    headers: { authorization: 'Bearer abc' },
  })
  const event = await raise(host)
  const [first, second] = await consumer.received(2)
  const [listed] = await host.sender.deliveries.list({ tenantId: 1 })
  const delivery = await waitFor(async () => {
    const details = await host.sender.deliveries.get(listed?.id ?? '')
    return details.state === 'succeeded' && details
  }, 'success')
  const sent = (request: typeof first) => ({
    method: 'POST',
    url: endpoint.url,
    headers: {
      'content-type': 'application/json',
      'user-agent': 'x-events-webhooks',
      'webhook-id': event.id,
      'webhook-timestamp': request?.headers['webhook-timestamp'],
      'webhook-signature': request?.headers['webhook-signature'],
    },
  })
  expect(delivery).toMatchObject({
    endpointId: endpoint.id,
    tenantId: 1,
    eventId: event.id,
    eventType: 'File.Download',
    body: String(first?.rawBody),
    lastStatus: 200,
    finishedOn: expect.any(Date),
    attempts: [
      { number: 1, request: sent(first), response: { status: 500, body: 'well' }, errorCode: 'http_status' },
      { number: 2, request: sent(second), response: { status: 200, body: 'well' } },
    ],
  })
  expect(delivery.lastErrorCode).toBeUndefined()
  expect(delivery.attempts[1]).not.toHaveProperty('errorCode')
})

it('keeps tenants apart', async () => {
  await using host = await startHost()
  await using consumer = await testConsumer()
  const { endpoints, deliveries } = host.sender
  const { endpoint } = await endpoints.create({ tenantId: 1, url: consumer.url })
  await raise(host)
  await host.sender.drain()
  const [delivery] = await deliveries.list({ tenantId: 1 })
  const id = delivery?.id ?? ''
  const other = { tenantId: 2 }
  const missingEndpoint = { code: 'endpoint_not_found' }
  const missingDelivery = { code: 'delivery_not_found' }

  await expect(endpoints.get(endpoint.id, other)).rejects.toMatchObject(missingEndpoint)
  await expect(endpoints.update(endpoint.id, {}, other)).rejects.toMatchObject(missingEndpoint)
  await expect(endpoints.delete(endpoint.id, other)).rejects.toMatchObject(missingEndpoint)
  await expect(endpoints.disable(endpoint.id, other)).rejects.toMatchObject(missingEndpoint)
  await expect(endpoints.secrets(endpoint.id, other)).rejects.toMatchObject(missingEndpoint)
  await expect(endpoints.rotateSecret(endpoint.id, other)).rejects.toMatchObject(missingEndpoint)
  await expect(host.sender.sendTest(endpoint.id, other)).rejects.toMatchObject(missingEndpoint)
  await expect(deliveries.get(id, other)).rejects.toMatchObject(missingDelivery)
  await expect(deliveries.resend(id, other)).rejects.toMatchObject(missingDelivery)
  await expect(deliveries.recover(endpoint.id, { ...other, since: new Date(0) })).rejects.toMatchObject(
    missingEndpoint,
  )
  expect(await endpoints.list({ tenantId: 2 })).toEqual([])
  expect(await endpoints.get(endpoint.id, { tenantId: 1 })).toMatchObject({ id: endpoint.id, version: 1 })
  await expect(deliveries.get('dlv_1_999')).rejects.toMatchObject(missingDelivery)
  await expect(deliveries.get('nonsense')).rejects.toMatchObject(missingDelivery)
})

it('sends a finished delivery again, as the same message', async () => {
  await using host = await startHost()
  await using consumer = await testConsumer()
  await host.sender.endpoints.create({ tenantId: 1, url: consumer.url })
  await raise(host)
  await host.sender.drain()
  const [delivery] = await host.sender.deliveries.list({ tenantId: 1 })
  expect(await host.sender.deliveries.resend(delivery?.id ?? '')).toMatchObject({
    state: 'pending',
    attemptCount: 1,
  })
  await host.sender.drain()
  const [first, second] = consumer.requests
  expect(consumer.requests).toHaveLength(2)
  expect(second?.headers['webhook-id']).toBe(first?.headers['webhook-id'])
  expect(second?.rawBody).toEqual(first?.rawBody)
  expect(await host.sender.deliveries.list({ tenantId: 1 })).toMatchObject([
    { state: 'succeeded', attemptCount: 2 },
  ])
})

it('makes a pending retry now instead of later, and does not double it', async () => {
  await using host = await startHost()
  await using consumer = await testConsumer()
  consumer.answer(500)
  await host.sender.endpoints.create({ tenantId: 1, url: consumer.url })
  await raise(host)
  await host.sender.drain()
  // Not before all have asked: whoever asks after the success asks for another.
  const answer = Promise.withResolvers<number>()
  consumer.answer(() => answer.promise)
  const [delivery] = await host.sender.deliveries.list({ tenantId: 1 })
  await Promise.all([1, 2, 3].map(() => host.sender.deliveries.resend(delivery?.id ?? '')))
  answer.resolve(204)
  await host.sender.drain()
  expect(consumer.requests).toHaveLength(2)
  expect(await host.sender.stats()).toMatchObject({ deliveries: { pending: 0 } })
})

it('heeds a wish to send again that comes during an attempt: only if that attempt fails', async () => {
  await using host = await startHost()
  await using consumer = await testConsumer()
  const answers: ((status: number) => void)[] = []
  consumer.answer(() => new Promise<number>((resolve) => answers.push(resolve)))
  await host.sender.endpoints.create({ tenantId: 1, url: consumer.url })
  await raise(host)
  await consumer.received(1)
  const [delivery] = await listedDeliveries(host)
  await host.sender.deliveries.resend(delivery?.id ?? '')
  await waitFor(() => answers.length === 1, 'the question')
  answers[0]?.(500)
  await consumer.received(2)
  await host.sender.deliveries.resend(delivery?.id ?? '')
  await waitFor(() => answers.length === 2, 'the second question')
  answers[1]?.(204)
  await host.sender.drain()
  expect(consumer.requests).toHaveLength(2)
  expect(await host.sender.deliveries.list({ tenantId: 1 })).toMatchObject([
    { state: 'succeeded', attemptCount: 2 },
  ])
})

it('recovers what was exhausted, since a time', async () => {
  await using host = await startHost({ retrySchedule: [0] })
  await using consumer = await testConsumer()
  consumer.answer(500)
  const { endpoint } = await host.sender.endpoints.create({ tenantId: 1, url: consumer.url })
  for (let id = 1; id <= 3; id++) await raise(host, id)
  await host.sender.drain()
  consumer.answer(204)
  const { recover } = host.sender.deliveries
  const future = await recover(endpoint.id, { since: new Date(Date.now() + 60_000) })
  expect(future).toMatchObject({ kind: 'recover', state: 'succeeded', affected: 0 })
  expect(await recover(endpoint.id, { since: new Date(0) })).toMatchObject({
    state: 'succeeded',
    done: 3,
    total: 3,
    affected: 3,
    finishedOn: expect.any(Date),
  })
  await host.sender.drain()
  expect(consumer.requests).toHaveLength(6)
  expect(await host.sender.stats()).toMatchObject({ deliveries: { pending: 0, exhausted: 0 } })
})

it('sends a test to one endpoint alone, on the way that events take', async () => {
  await using host = await startHost()
  await using consumer = await testConsumer()
  const { endpoints, deliveries } = host.sender
  const { endpoint } = await endpoints.create({
    tenantId: 1,
    siteId: 7,
    url: consumer.url,
    eventTypes: ['Page.*'],
  })
  await endpoints.create({ tenantId: 1, url: consumer.url })
  const delivery = await host.sender.sendTest(endpoint.id)
  expect(delivery).toMatchObject({ state: 'pending', endpointId: endpoint.id, eventType: 'Webhook.Test' })
  await host.sender.drain()
  expect(consumer.requests).toHaveLength(1)
  expect(JSON.parse(String(consumer.requests[0]?.rawBody))).toMatchObject({
    type: 'Webhook.Test',
    data: { tenantId: 1, siteId: 7, entityName: 'Webhook', entityId: endpoint.id, action: 'Test' },
  })
  expect(await deliveries.get(delivery.id)).toMatchObject({ state: 'succeeded' })
  await endpoints.disable(endpoint.id)
  await expect(host.sender.sendTest(endpoint.id)).rejects.toMatchObject({ code: 'endpoint_disabled' })
})

it('deletes an endpoint with what waits for it, and keeps what was sent on record', async () => {
  await using host = await startHost()
  await using consumer = await testConsumer()
  const { endpoints, deliveries } = host.sender
  const { endpoint } = await endpoints.create({ tenantId: 1, url: consumer.url })
  await raise(host, 1)
  await host.sender.drain()
  consumer.answer(500)
  await raise(host, 2)
  await host.sender.drain()
  await endpoints.delete(endpoint.id)
  await raise(host, 3)
  await host.sender.drain()
  expect(consumer.requests).toHaveLength(2)
  await expect(endpoints.get(endpoint.id)).rejects.toMatchObject({ code: 'endpoint_not_found' })
  const [cancelled, succeeded] = await deliveries.list({ tenantId: 1 })
  expect(cancelled).toMatchObject({ state: 'cancelled', finishedOn: expect.any(Date) })
  expect(succeeded).toMatchObject({ state: 'succeeded' })
  await expect(deliveries.resend(cancelled?.id ?? '')).rejects.toMatchObject({ code: 'delivery_cancelled' })
  expect(await host.run('select * from xe_webhook_secret')).toEqual([])
})

it('holds what waits for a disabled endpoint until it is enabled', async () => {
  await using host = await startHost()
  await using consumer = await testConsumer()
  consumer.answer(500)
  const { endpoint } = await host.sender.endpoints.create({ tenantId: 1, url: consumer.url })
  await raise(host)
  await host.sender.drain()
  const disabled = await host.sender.endpoints.disable(endpoint.id)
  expect(disabled).toMatchObject({ enabled: false, disabledReason: 'manual', disabledOn: expect.any(Date) })
  const [delivery] = await host.sender.deliveries.list({ tenantId: 1 })
  await expect(host.sender.deliveries.resend(delivery?.id ?? '')).rejects.toMatchObject({
    code: 'endpoint_disabled',
  })
  consumer.answer(204)
  await host.sender.endpoints.enable(endpoint.id)
  await host.sender.deliveries.resend(delivery?.id ?? '')
  await host.sender.drain()
  expect(consumer.requests).toHaveLength(2)
})

it('refuses a change that was meant for another version', async () => {
  await using host = await openHost()
  const { endpoints } = host.sender
  const { endpoint } = await endpoints.create({ tenantId: 1, url: 'https://example.com/a', siteId: 7 })
  expect(endpoint.version).toBe(1)
  const changed = await endpoints.update(endpoint.id, { version: 1, siteId: null, eventTypes: ['File.*'] })
  expect(changed).toMatchObject({ version: 2, eventTypes: ['File.*'], url: 'https://example.com/a' })
  expect(changed).not.toHaveProperty('siteId')
  await expect(endpoints.update(endpoint.id, { version: 1, description: 'late' })).rejects.toMatchObject({
    code: 'version_conflict',
    field: 'version',
  })
  const many = await Promise.allSettled(
    Array.from({ length: 5 }, (_, index) =>
      endpoints.update(endpoint.id, { version: 2, description: String(index) }),
    ),
  )
  expect(many.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
  await expect(endpoints.update(endpoint.id, { url: 'http://127.0.0.2/' })).resolves.toMatchObject({
    version: 4,
  })
  expect(await endpoints.get(endpoint.id)).toMatchObject({ version: 4, url: 'http://127.0.0.2/' })
})

it('sends to the new URL once it was changed', async () => {
  await using host = await startHost()
  await using before = await testConsumer()
  await using after = await testConsumer()
  const { endpoint } = await host.sender.endpoints.create({ tenantId: 1, url: before.url })
  await raise(host, 1)
  await before.received(1)
  await host.sender.endpoints.update(endpoint.id, { url: after.url })
  await raise(host, 2)
  await after.received(1)
  expect(before.requests).toHaveLength(1)
})

it('lists endpoints page by page', async () => {
  await using host = await openHost()
  const { endpoints } = host.sender
  const ids: string[] = []
  for (let index = 0; index < 5; index++) {
    ids.unshift((await endpoints.create({ tenantId: 1, url: `https://example.com/${index}` })).endpoint.id)
  }
  expect((await endpoints.list({ tenantId: 1 })).map(({ id }) => id)).toEqual(ids)
  const page = await endpoints.list({ tenantId: 1, limit: 2 })
  const next = await endpoints.list({ tenantId: 1, limit: 2, before: page.at(-1)?.id })
  expect([...page, ...next].map(({ id }) => id)).toEqual(ids.slice(0, 4))
})
