import { createReceiver } from '@x/receiver'
import { type ReceivedRequest, testConsumer } from '@x/testkit'
import { type CloudEvent, HTTP } from 'cloudevents'
import { expect } from 'vitest'
import { it } from '../each-database.ts'
import { site, startHost } from '../open-host.ts'

const data = { name: 'Grüße.pdf' }
const fields = { tenantId: 1, siteId: 7, siteKey: '1:7', entityName: 'File', action: 'Download' }

/** As the SDK of CloudEvents reads it, which throws for what is no valid one. */
function asCloudEvent(request: ReceivedRequest | undefined): CloudEvent<unknown> {
  const headers = request?.headers as Record<string, string>
  const event = HTTP.toEvent({ headers, body: String(request?.rawBody) }) as CloudEvent<unknown>
  event.validate()
  return event
}

it('writes each endpoint the format it wants, all about one event under one id', async () => {
  await using host = await startHost()
  const formats = ['standard', 'cloudevents-structured', 'cloudevents-binary'] as const
  const consumers = await Promise.all(formats.map(() => testConsumer()))
  const secrets: string[] = []
  for (const [index, format] of formats.entries()) {
    const url = consumers[index]?.url ?? ''
    const { endpoint, secret } = await host.sender.endpoints.create({ tenantId: 1, url, format })
    expect(endpoint.format).toBe(format)
    secrets.push(secret)
  }
  const event = await host.engine.syncManager.addSyncEvent(site, 'File', 'grün "1"', 'Download', { data })
  const requests = await Promise.all(consumers.map(async (one) => (await one.received(1))[0]))
  const [standard, structured, binary] = requests

  const expected = {
    specversion: '1.0',
    id: event.id,
    source: '/tenants/1/sites/7',
    type: 'File.Download',
    time: event.modifiedOn.toISOString(),
    tenantid: '1',
    siteid: '7',
    data: { ...fields, entityId: 'grün "1"', entity: data },
  }
  expect(JSON.parse(String(standard?.rawBody))).toMatchObject({ type: 'File.Download', data: expected.data })
  expect(standard?.headers['content-type']).toBe('application/json')

  expect(structured?.headers['content-type']).toBe('application/cloudevents+json; charset=utf-8')
  expect(asCloudEvent(structured).toJSON()).toMatchObject({
    ...expected,
    subject: 'File/grün "1"',
    datacontenttype: 'application/json',
  })

  expect(binary?.headers).toMatchObject({
    'content-type': 'application/json',
    'ce-subject': 'File/gr%C3%BCn%20%221%22',
  })
  expect(asCloudEvent(binary).toJSON()).toMatchObject(expected)

  for (const [index, request] of requests.entries()) {
    expect(request?.headers['webhook-id']).toBe(event.id)
    // Nothing signs the headers of binary mode, so that a receiver has to be told to read it.
    const trustUnsignedCloudEventHeaders = formats[index] === 'cloudevents-binary'
    const receiver = createReceiver({ secrets: secrets[index] ?? '', trustUnsignedCloudEventHeaders })
    const received = await receiver.verify(request?.rawBody ?? '', request?.headers ?? {})
    expect(received).toMatchObject({
      id: event.id,
      type: 'File.Download',
      timestamp: event.modifiedOn.toISOString(),
      data: expected.data,
    })
    await expect(receiver.verify(`${request?.rawBody} `, request?.headers ?? {})).rejects.toThrow()
  }
  await Promise.all(consumers.map((one) => one[Symbol.asyncDispose]()))
})

it('shows the request as it was sent, and repeats it so', async () => {
  await using host = await startHost({ retrySchedule: [0, 0] })
  await using consumer = await testConsumer()
  consumer.answer(500)
  const { sender, engine } = host
  await sender.endpoints.create({ tenantId: 1, url: consumer.url, format: 'cloudevents-binary' })
  await engine.syncManager.addSyncEvent(site, 'File', 12, 'Download', { data })
  const [first, second] = await consumer.received(2)
  await sender.drain()
  expect(second?.rawBody).toEqual(first?.rawBody)
  expect(second?.headers['ce-id']).toBe(first?.headers['ce-id'])

  const [delivery] = await sender.deliveries.list({ tenantId: 1 })
  const details = await sender.deliveries.get(delivery?.id ?? '')
  expect(details.body).toBe(String(first?.rawBody))
  expect(details.attempts[0]?.request.headers).toMatchObject({
    'content-type': 'application/json',
    'ce-type': 'File.Download',
    'ce-specversion': '1.0',
    'webhook-id': delivery?.eventId,
  })
})

it('sends tests in the format of the endpoint, and takes a source for all', async () => {
  await using host = await startHost({ cloudEventSource: 'https://host.example/events' })
  await using consumer = await testConsumer()
  const { endpoints, sendTest } = host.sender
  const { endpoint } = await endpoints.create({
    tenantId: 1,
    url: consumer.url,
    format: 'cloudevents-structured',
  })
  await sendTest(endpoint.id)
  const [request] = await consumer.received(1)
  expect(asCloudEvent(request)).toMatchObject({ type: 'Webhook.Test', source: 'https://host.example/events' })

  await endpoints.update(endpoint.id, { format: 'standard' })
  await sendTest(endpoint.id)
  const [, second] = await consumer.received(2)
  expect(JSON.parse(String(second?.rawBody))).toMatchObject({ type: 'Webhook.Test', data: { tenantId: 1 } })
})

it('keeps the order of an endpoint whose format changes', async () => {
  await using host = await startHost()
  await using consumer = await testConsumer()
  await using other = await testConsumer()
  const { endpoints } = host.sender
  await endpoints.create({ tenantId: 1, url: other.url })
  const format = 'cloudevents-structured'
  await endpoints.create({ tenantId: 1, url: consumer.url, ordering: 'fifo', format })
  await host.engine.transaction(async ({ raise }) => {
    for (let id = 1; id <= 5; id++) await raise(site, 'File', id, 'Update')
  })
  const requests = await consumer.received(5)
  expect(requests.map((one) => asCloudEvent(one).subject)).toEqual([1, 2, 3, 4, 5].map((id) => `File/${id}`))
  expect(await other.received(5)).toHaveLength(5)
})
