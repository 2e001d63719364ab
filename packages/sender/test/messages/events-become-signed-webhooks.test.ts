import { EntityNames } from '@x/events-core'
import { testConsumer } from '@x/testkit'
import { Webhook as StandardWebhook } from 'standardwebhooks'
import { Webhook as SvixWebhook } from 'svix'
import { expect } from 'vitest'
import { it } from '../each-database.ts'
import { site, startHost } from '../open-host.ts'

const asHeaders = (headers: object) => headers as Record<string, string>

it('POSTs a raised event, in the form and with the headers of Standard Webhooks', async () => {
  await using host = await startHost()
  await using consumer = await testConsumer()
  const { sender, engine } = host
  await sender.endpoints.create({
    tenantId: 1,
    url: `${consumer.url}?a=b`,
    headers: { Authorization: 'Bearer abc' },
  })
  const event = await engine.syncManager.addSyncEvent(site, EntityNames.File, 12, 'Download', {
    data: { name: 'Grüße 🎉.pdf' },
  })
  const [request] = await consumer.received(1)

  expect(request).toMatchObject({ method: 'POST', path: '/hook?a=b' })
  expect(request?.headers).toMatchObject({
    'content-type': 'application/json',
    'content-length': String(request?.rawBody.length),
    'user-agent': 'x-events-webhooks',
    'webhook-id': event.id,
    'webhook-timestamp': expect.stringMatching(/^\d{10}$/),
    'webhook-signature': expect.stringMatching(/^v1,[A-Za-z0-9+/]{43}=$/),
    authorization: 'Bearer abc',
  })
  expect(JSON.parse(String(request?.rawBody))).toEqual({
    type: 'File.Download',
    timestamp: event.modifiedOn.toISOString(),
    data: {
      tenantId: 1,
      siteId: 7,
      siteKey: '1:7',
      entityName: 'File',
      entityId: 12,
      action: 'Download',
      entity: { name: 'Grüße 🎉.pdf' },
    },
  })
})

it('signs so that standardwebhooks and svix verify the bytes that arrived', async () => {
  await using host = await startHost()
  await using consumer = await testConsumer()
  const { secret } = await host.sender.endpoints.create({ tenantId: 1, url: consumer.url })
  await host.engine.transaction(({ raise }) => raise(site, EntityNames.Page, 1, 'Create', { data: 'ü' }))
  const [request] = await consumer.received(1)
  const text = String(request?.rawBody)
  const headers = asHeaders(request?.headers ?? {})

  expect(new StandardWebhook(secret).verify(text, headers)).toMatchObject({ type: 'Page.Create' })
  expect(() => new SvixWebhook(secret).verify(text, headers)).not.toThrow()
  expect(() => new SvixWebhook(secret).verify(`${text} `, headers)).toThrow()
  expect(() => new StandardWebhook(secret).verify(`${text} `, headers)).toThrow()
})
