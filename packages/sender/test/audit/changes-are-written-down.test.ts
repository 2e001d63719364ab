import { testConsumer, waitFor } from '@x/testkit'
import { expect } from 'vitest'
import type { AuditEntry } from '../../src/index.ts'
import { it } from '../each-database.ts'
import { type OpenHost, openHost, site, startHost } from '../open-host.ts'

const ada = { tenantId: 1, actor: 'Ada' }

async function logOf(host: OpenHost, endpointId?: string): Promise<readonly AuditEntry[]> {
  return (await host.sender.auditLog.list({ tenantId: 1, endpointId })).toReversed()
}

it('tells who has changed what, without secrets and values', async () => {
  await using host = await openHost()
  const { endpoints } = host.sender
  const { endpoint, secret } = await endpoints.create(
    { tenantId: 1, url: 'https://example.com/', sequence: true },
    { actor: 'Ada' },
  )
  const { id } = endpoint
  await endpoints.update(id, { headers: { authorization: 'Bearer marble' }, description: '' }, ada)
  await endpoints.update(id, { description: '' }, ada)
  await endpoints.disable(id, { actor: 'Grace' })
  await endpoints.disable(id, ada)
  await endpoints.enable(id)
  const rotated = await endpoints.rotateSecret(id, ada)
  await endpoints.secrets(id, ada)
  await endpoints.secrets(id)
  const key = await endpoints.createKey(id, ada)
  const next = await endpoints.rotateKey(id, key.id, ada)
  await endpoints.revokeKey(id, next.id, ada)
  await expect(endpoints.delete(id, { tenantId: 2, actor: 'Eve' })).rejects.toMatchObject({
    code: 'endpoint_not_found',
  })
  await endpoints.delete(id, ada)

  const log = await logOf(host, id)
  expect(log.map(({ action, actor, details }) => [action, actor, details])).toEqual([
    ['endpoint_created', 'Ada', {}],
    ['endpoint_updated', 'Ada', { fields: ['headers'] }],
    ['endpoint_disabled', 'Grace', { reason: 'manual' }],
    ['endpoint_enabled', undefined, {}],
    ['secret_rotated', 'Ada', {}],
    ['secret_shown', 'Ada', {}],
    ['key_created', 'Ada', { keyId: key.id }],
    ['key_rotated', 'Ada', { keyId: key.id }],
    ['key_revoked', 'Ada', { keyId: next.id }],
    ['endpoint_deleted', 'Ada', {}],
  ])
  for (const hidden of [secret, rotated.secret, key.key, 'marble'])
    expect(JSON.stringify(log)).not.toContain(hidden)
  expect(log[0]).toMatchObject({ tenantId: 1, endpointId: id, createdOn: expect.any(Date) })
  expect(await logOf(host)).toEqual(log)
  expect(await host.sender.auditLog.list({ tenantId: 2, endpointId: id })).toEqual([])
})

it('tells who has asked for what is sent, and what the sender has disabled by itself', async () => {
  await using host = await startHost({ retrySchedule: [0, 3_600] })
  await using consumer = await testConsumer()
  consumer.answer(500)
  const { endpoints, deliveries, jobs } = host.sender
  const { endpoint } = await endpoints.create({ tenantId: 1, url: consumer.url })
  const { id } = endpoint
  await host.engine.syncManager.addSyncEvent(site, 'File', 1, 'Update')
  await host.sender.drain()
  const [{ id: deliveryId } = { id: '' }] = await deliveries.list({ tenantId: 1 })
  await deliveries.cancel(deliveryId, ada)
  await deliveries.cancel(deliveryId, { actor: 'too late' })
  const job = await deliveries.cancelPending(id, ada)
  await jobs.cancel(job.id, { actor: 'too late' })
  consumer.answer(410)
  const test = await host.sender.sendTest(id, ada)
  await waitFor(async () => (await endpoints.get(id)).disabledReason === 'gone', 'the end of the endpoint')

  expect((await logOf(host, id)).map(({ action, actor, details }) => [action, actor, details])).toEqual([
    ['endpoint_created', undefined, {}],
    ['delivery_cancelled', 'Ada', { deliveryId }],
    ['job_started', 'Ada', { jobId: job.id, jobKind: 'cancel' }],
    ['test_sent', 'Ada', { deliveryId: test.id, eventType: 'Webhook.Test' }],
    ['endpoint_disabled', undefined, { reason: 'gone' }],
  ])
})

it('is read page by page, and takes any name', async () => {
  await using host = await openHost()
  const { endpoints, auditLog } = host.sender
  const actor = `\0${'x'.repeat(300)}`
  for (const url of ['https://a.example/', 'https://b.example/', 'https://c.example/'])
    await endpoints.create({ tenantId: 1, url }, { actor })
  const all = await auditLog.list({ tenantId: 1 })
  expect(all.map((entry) => entry.actor?.length)).toEqual([200, 200, 200])
  const first = await auditLog.list({ tenantId: 1, limit: 2 })
  const rest = await auditLog.list({ tenantId: 1, limit: 2, before: first.at(-1)?.id })
  expect([...first, ...rest]).toEqual(all)
  await expect(auditLog.list({ tenantId: 1, before: 'x' })).rejects.toMatchObject({
    code: 'invalid_argument',
    field: 'before',
  })
  await expect(
    endpoints.create({ tenantId: 1, url: 'https://d.example/' }, { actor: 7 as never }),
  ).rejects.toMatchObject({ code: 'invalid_argument', field: 'actor' })
})
