import { createReceiver } from '@x/receiver'
import { testConsumer } from '@x/testkit'
import { expect } from 'vitest'
import { it } from '../each-database.ts'
import { openHost, startHost } from '../open-host.ts'

const schema = {
  type: 'object',
  properties: {
    number: { type: 'string', minLength: 3 },
    total: { type: 'number', minimum: 5 },
    paid: { type: 'boolean' },
    lines: { type: 'array', items: { type: 'object', properties: { sku: { enum: ['A1', 'B2'] } } } },
  },
  required: ['number', 'total', 'paid', 'lines'],
} as const

it('sends an example of a type of the catalog, marked as a test', async () => {
  await using host = await startHost()
  await using consumer = await testConsumer()
  const { endpoints, eventTypes, deliveries } = host.sender
  eventTypes.define({ type: 'Invoice.Create', description: 'Made.', example: { total: 12 } })
  eventTypes.define({ type: 'Invoice.Paid', description: 'Paid.', schema })
  const { endpoint, secret } = await endpoints.create({
    tenantId: 1,
    url: consumer.url,
    eventTypes: ['Invoice.Paid'],
  })
  const sent = await host.sender.sendTest(endpoint.id, { eventType: 'Invoice.Create' })
  await host.sender.sendTest(endpoint.id, { eventType: 'Invoice.Paid' })
  await host.sender.drain()

  expect(sent).toMatchObject({ eventType: 'Invoice.Create', test: true })
  const receiver = createReceiver({ secrets: secret })
  const [created, paid] = await Promise.all(
    consumer.requests.map(({ rawBody, headers }) => receiver.verify(rawBody, headers)),
  )
  expect(created).toMatchObject({
    type: 'Invoice.Create',
    data: { test: true, entityName: 'Invoice', entityId: 'example', entity: { total: 12 } },
  })
  expect(paid?.data).toMatchObject({
    test: true,
    entity: { number: 'example', total: 5, paid: true, lines: [{ sku: 'A1' }] },
  })
  await expect(host.sender.sendTest(endpoint.id, { eventType: 'Invoice.Creat' })).rejects.toMatchObject({
    code: 'invalid_argument',
    field: 'eventType',
  })

  // Nothing has happened that others should hear of, or that is to be sent once more.
  await using other = await testConsumer()
  const another = await endpoints.create({ tenantId: 1, url: other.url })
  await deliveries.replay(another.endpoint.id, { since: new Date(0) })
  await deliveries.replay(endpoint.id, { since: new Date(0) })
  await host.sender.drain()
  expect(other.requests).toEqual([])
  expect(consumer.requests).toHaveLength(2)
})

it('tries an endpoint before it is saved, and stores nothing', async () => {
  await using host = await openHost()
  await using consumer = await testConsumer()
  consumer.answer(({ headers }) => ({ status: headers['x-key'] === 'right' ? 204 : 401, body: 'No.' }))
  const { endpoints, eventTypes } = host.sender
  eventTypes.define({ type: 'Invoice.Create', description: 'Made.', example: { total: 12 } })
  const before = await host.run('select count(*) as count from xe_webhook_audit_log')
  const tried = await endpoints.tryOut({
    tenantId: 1,
    url: consumer.url,
    headers: { 'x-key': 'wrong' },
    eventType: 'Invoice.Create',
  })
  expect(tried).toMatchObject({
    succeeded: false,
    eventType: 'Invoice.Create',
    attempt: {
      number: 1,
      request: { url: consumer.url, headers: { 'x-key': '***' } },
      response: { status: 401, body: 'No.' },
      timings: { firstByteMs: expect.any(Number) },
      errorCode: 'http_status',
    },
  })
  expect(JSON.parse(tried.body)).toMatchObject({ data: { test: true, entity: { total: 12 } } })
  const right = { tenantId: 1, url: consumer.url, headers: { 'x-key': 'right' } }
  expect(await endpoints.tryOut(right)).toMatchObject({ succeeded: true, eventType: 'Webhook.Test' })
  expect(await endpoints.list({ tenantId: 1 })).toEqual([])
  expect(await host.run('select count(*) as count from xe_webhook_message')).toEqual(before)
})

it('tries changes of an endpoint, signed as it signs', async () => {
  await using host = await openHost()
  await using consumer = await testConsumer()
  const { endpoints } = host.sender
  const { endpoint, secret } = await endpoints.create({ tenantId: 1, url: 'https://example.com/old' })
  const change = { tenantId: 1, endpointId: endpoint.id, url: consumer.url }
  expect(await endpoints.tryOut(change)).toMatchObject({ succeeded: true })
  const [request] = consumer.requests
  const receiver = createReceiver({ secrets: secret })
  expect(await receiver.verify(request?.rawBody ?? '', request?.headers ?? {})).toMatchObject({
    data: { test: true },
  })
  expect((await endpoints.get(endpoint.id)).url).toBe('https://example.com/old')
  await expect(endpoints.tryOut({ ...change, tenantId: 2 })).rejects.toMatchObject({
    code: 'endpoint_not_found',
  })
})

it('goes nowhere that webhooks may not go, and not on and on', async () => {
  await using host = await openHost()
  const { endpoints } = host.sender
  await expect(endpoints.tryOut({ tenantId: 1, url: 'http://10.0.0.1/' })).rejects.toMatchObject({
    code: 'forbidden_address',
  })
  await expect(endpoints.tryOut({ tenantId: 1 })).rejects.toMatchObject({ code: 'invalid_url' })
  await using consumer = await testConsumer()
  const one = { tenantId: 1, url: consumer.url }
  for (let count = 0; count < 20; count++) await endpoints.tryOut(one)
  await expect(endpoints.tryOut(one)).rejects.toMatchObject({ code: 'too_many_tries' })
  expect(await endpoints.tryOut({ ...one, tenantId: 2 })).toMatchObject({ succeeded: true })
})

it('sends nothing to a URL whose owner has to be asked first', async () => {
  await using host = await openHost({ verifyOwnership: true })
  await using consumer = await testConsumer()
  await expect(host.sender.endpoints.tryOut({ tenantId: 1, url: consumer.url })).rejects.toMatchObject({
    code: 'ownership_not_proved',
  })
  expect(consumer.requests).toEqual([])
})
