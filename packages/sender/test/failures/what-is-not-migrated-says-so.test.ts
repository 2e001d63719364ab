import { createEventEngine } from '@x/events-engine'
import { expect } from 'vitest'
import { createWebhookSender } from '../../src/index.ts'
import { it } from '../each-database.ts'
import { encryptionKey, openHost } from '../open-host.ts'

it('says that the tables are missing, whatever is called', async () => {
  await using host = await openHost()
  const engine = createEventEngine({ ...host.connect(), tablePrefix: 'other_' })
  await engine.migrate()
  const sender = createWebhookSender({ engine, encryptionKey })
  const { alerts, deliveries, endpoints } = sender
  const id = 'ep_01890000-0000-7000-8000-000000000000'
  const deliveryId = 'dlv_1_1'
  const calls: Record<string, () => Promise<unknown>> = {
    start: () => sender.start(),
    'endpoints.create': () => endpoints.create({ tenantId: 1, url: 'https://example.com/' }),
    'endpoints.get': () => endpoints.get(id),
    'endpoints.list': () => endpoints.list({ tenantId: 1 }),
    'endpoints.update': () => endpoints.update(id, {}),
    'endpoints.delete': () => endpoints.delete(id),
    'endpoints.enable': () => endpoints.enable(id),
    'endpoints.rotateSecret': () => endpoints.rotateSecret(id),
    'endpoints.secrets': () => endpoints.secrets(id),
    'endpoints.findByKey': () => endpoints.findByKey(`whk_${'a'.repeat(43)}`),
    'deliveries.list': () => deliveries.list({ tenantId: 1 }),
    'deliveries.search': () => deliveries.search({ tenantId: 1 }),
    'deliveries.resend': () => deliveries.resend(deliveryId),
    'alerts.get': () => alerts.get({ tenantId: 1 }),
    sendTest: () => sender.sendTest(id),
    stats: () => sender.stats(),
    reencryptSecrets: () => sender.reencryptSecrets(),
  }
  for (const [name, call] of Object.entries(calls)) {
    const error = await call().catch((thrown: unknown) => thrown)
    expect(error, name).toMatchObject({
      name: 'WebhookSenderError',
      code: 'not_migrated',
      message: expect.stringMatching(/other_webhook_.*sender\.migrate\(\)/),
    })
  }
  await expect(endpoints.list({ tenantId: 1 })).rejects.toMatchObject({
    detail: 'The database has no table other_webhook_endpoint.',
    cause: { message: expect.stringContaining('other_webhook_endpoint') },
  })

  await sender.migrate()
  expect(await endpoints.list({ tenantId: 1 })).toEqual([])
})
