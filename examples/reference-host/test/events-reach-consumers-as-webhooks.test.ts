import { createReceiver, generateSecret } from '@x/receiver'
import { testConsumer } from '@x/testkit'
import { expect } from 'vitest'
import { onEachDatabase } from './each-database.ts'
import { jsonOf, openTestHost, upload } from './open-test-host.ts'

onEachDatabase(
  'sends a download to the consumer of the tenant, signed, under the id of the event',
  async () => {
    await using host = await openTestHost()
    await using consumer = await testConsumer()
    const secret = generateSecret()
    const body = { url: consumer.url, eventTypes: ['File.Download'], secret }
    expect((await host.send('/portal/api/endpoints', { body })).status).toBe(201)

    await upload(host, 'a.txt', 'content')
    const { headers } = await host.send('/api/File/download/1')

    const [webhook] = await consumer.received(1)
    if (!webhook) throw new Error('unreachable: one was received')
    expect(webhook.headers['webhook-id']).toBe(headers.get('x-event-id'))
    const event = await createReceiver({ secrets: secret }).verify(webhook.rawBody, webhook.headers)
    expect(event).toMatchObject({
      type: 'File.Download',
      data: { tenantId: 1, siteId: 1, entityName: 'File', entityId: 1, entity: { name: 'a.txt', size: 7 } },
    })
  },
)

onEachDatabase('tells the endpoints of one tenant nothing of another', async () => {
  await using host = await openTestHost()
  await using consumer = await testConsumer()
  const { token, hostName } = await host.addTenant('second.test')
  // An endpoint gets whatever has not been handed on yet when it is created.
  await host.host.services.sender.drain()
  const created = host.send('/portal/api/endpoints', { token, hostName, body: { url: consumer.url } })
  const { endpoint } = await jsonOf<{ endpoint: { id: string } }>(created)

  await host.send('/api/Page', { body: { name: 'Of the first tenant' } })
  await host.send('/api/Page', { token, hostName, body: { name: 'Of the second tenant' } })
  await host.host.services.sender.drain()

  const bodies = consumer.requests.map(({ rawBody }) => JSON.parse(rawBody.toString()))
  expect(bodies.map(({ data }) => data.tenantId)).toEqual([2, 2])
  expect(await jsonOf(host.send('/portal/api/endpoints'))).toMatchObject({ items: [] })
  const path = `/portal/api/endpoints/${endpoint.id}`
  expect((await host.send(path)).status).toBe(404)
  expect((await host.send(`${path}/secrets`)).status).toBe(404)
  expect((await host.send(path, { method: 'DELETE' })).status).toBe(404)
  expect(await jsonOf(host.send('/portal/api/deliveries'))).toMatchObject({ items: [] })
  expect((await host.send(path, { token, hostName, method: 'DELETE' })).status).toBe(204)
})

onEachDatabase('sends nothing about a change that was rolled back', async () => {
  await using host = await openTestHost()
  await using consumer = await testConsumer()
  await host.send('/api/Page', { body: { name: 'Home' } })
  await host.host.services.sender.drain()
  await host.send('/portal/api/endpoints', { body: { url: consumer.url } })

  expect((await host.send('/api/Page', { body: { name: 'Home' } })).status).toBe(409)
  await host.send('/api/Page', { body: { name: 'News' } })
  await host.host.services.sender.drain()

  const bodies = consumer.requests.map(({ rawBody }) => JSON.parse(rawBody.toString()))
  expect(bodies.map(({ type }) => type).sort()).toEqual(['Page.Create', 'Site.Refresh'])
})
