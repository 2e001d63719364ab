import { createReceiver } from '@x/receiver'
import { testConsumer } from '@x/testkit'
import { expect } from 'vitest'
import { it } from '../each-database.ts'
import { site, startHost } from '../open-host.ts'

it('is verified over the bytes that arrived, with a shared secret', async () => {
  await using host = await startHost()
  await using consumer = await testConsumer()
  const { secret } = await host.sender.endpoints.create({ tenantId: 1, url: consumer.url })
  const raised = await host.engine.syncManager.addSyncEvent(site, 'File', 3, 'Download', { data: 'ü' })
  const [request] = await consumer.received(1)
  const receiver = createReceiver({ secrets: secret })
  const event = await receiver.verify(request?.rawBody as Buffer, request?.headers ?? {})
  expect(event).toMatchObject({ type: 'File.Download', data: { entityId: 3, entity: 'ü' } })
  expect(request?.headers['webhook-id']).toBe(raised.id)
})

it('is verified with a public key, where the endpoint has a key pair', async () => {
  await using host = await startHost()
  await using consumer = await testConsumer()
  const { endpoints } = host.sender
  const { endpoint, secret } = await endpoints.create({
    tenantId: 1,
    url: consumer.url,
    signature: 'ed25519',
  })
  expect(secret).toMatch(/^whpk_/)
  expect(await endpoints.publicKey(endpoint.id)).toBe(secret)
  expect(await endpoints.secrets(endpoint.id)).toMatchObject([{ secret }])
  await host.engine.syncManager.addSyncEvent(site, 'File', 3, 'Download')
  const [request] = await consumer.received(1)
  expect(request?.headers['webhook-signature']).toMatch(/^v1a,/)
  const receiver = createReceiver({ secrets: secret })
  await expect(receiver.verify(request?.rawBody as Buffer, request?.headers ?? {})).resolves.toMatchObject({
    type: 'File.Download',
  })
})
