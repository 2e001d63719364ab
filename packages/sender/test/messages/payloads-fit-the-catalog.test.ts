import { testConsumer, waitFor } from '@x/testkit'
import { expect } from 'vitest'
import type { WebhookSender } from '../../src/index.ts'
import { it } from '../each-database.ts'
import { type OpenHost, site, startHost } from '../open-host.ts'

const description = 'A page has changed.'
const named = { type: 'object', properties: { name: { type: 'string' } }, required: ['name'] }

function defineTypes({ eventTypes }: WebhookSender): void {
  eventTypes.define({ type: 'Page.Update', description, schema: named })
  eventTypes.define({ type: 'Page.Delete', description })
}

const raise = (host: OpenHost, action: string, data?: unknown) =>
  host.engine.syncManager.addSyncEvent(site, 'Page', 1, action, { data: data as never })

const parkedErrors = async (host: OpenHost, count: number) => {
  const parked = await waitFor(async () => {
    const list = await host.engine.subscriptions.parked('webhooks')
    return list.length === count && list
  }, `${count} parked events`)
  return parked.map(({ error }) => error)
}

it('sends anything while it is off', async () => {
  await using host = await startHost()
  await using consumer = await testConsumer()
  defineTypes(host.sender)
  await host.sender.endpoints.create({ tenantId: 1, url: consumer.url })
  await raise(host, 'Update', { name: 1 })
  await consumer.received(1)
})

it('parks what does not fit, and sends the rest', async () => {
  await using host = await startHost({ validate: 'park' })
  await using consumer = await testConsumer()
  defineTypes(host.sender)
  await host.sender.endpoints.create({ tenantId: 1, url: consumer.url })
  await raise(host, 'Update', { name: 'secret', more: true })
  await raise(host, 'Update', { name: { first: 'secret' } })
  await raise(host, 'Update')
  await raise(host, 'Delete')
  await raise(host, 'Publish', 'of a type that nobody has defined')
  await consumer.received(3)
  const errors = await parkedErrors(host, 2)
  expect(errors).toEqual([
    expect.stringContaining('/name must be string'),
    expect.stringContaining('it is missing'),
  ])
  expect(errors.join()).not.toContain('secret')
})

it('compares what is rendered with the schema of its version', async () => {
  await using host = await startHost({
    validate: 'park',
    payloadVersions: ['v1', 'v2'],
    renderRetry: { maxAttempts: 1 },
    render: (event) => ({ [String(event.entityId)]: 'Home' }),
  })
  await using consumer = await testConsumer()
  const { endpoints, eventTypes } = host.sender
  const titled = { type: 'object', required: ['title'] }
  eventTypes.define({
    type: 'Page.Update',
    description,
    schema: titled,
    versions: { v1: { schema: named, example: { name: 'Home' } } },
  })
  const fits = async (payloadVersion: string, entityId: string) => {
    const { endpoint } = await endpoints.create({ tenantId: 1, url: consumer.url, payloadVersion })
    await host.engine.syncManager.addSyncEvent(site, 'Page', entityId, 'Update')
    await host.sender.drain()
    await endpoints.delete(endpoint.id)
    const parked = await host.engine.subscriptions.parked('webhooks')
    await host.engine.subscriptions.discard('webhooks')
    return parked.length === 0
  }
  expect(await fits('v1', 'name')).toBe(true)
  expect(await fits('v1', 'title')).toBe(false)
  expect(await fits('v2', 'title')).toBe(true)
  expect(await fits('v2', 'name')).toBe(false)
  expect(consumer.requests).toHaveLength(2)

  const unknown = () => eventTypes.define({ type: 'Page.Create', description, versions: { v9: {} } })
  expect(unknown).toThrow(expect.objectContaining({ code: 'invalid_event_type', field: 'versions' }))
  const title = 'Webhooks'
  const inV1 = eventTypes.openApi({ title, version: '1', payloadVersion: 'v1' }).components['schemas']
  expect(inV1?.['Page.Update.entity']).toMatchObject({ required: ['name'] })
  const inV2 = eventTypes.openApi({ title, version: '1', payloadVersion: 'v2' }).components['schemas']
  expect(inV2?.['Page.Update.entity']).toMatchObject({ required: ['title'] })
  expect(() => eventTypes.openApi({ title, version: '1', payloadVersion: 'v9' })).toThrow('payloadVersion')
})

it('refuses what does not fit in the transaction of its raiser', async () => {
  await using host = await startHost({ validate: 'refuse' })
  await using consumer = await testConsumer()
  defineTypes(host.sender)
  await host.sender.endpoints.create({ tenantId: 1, url: consumer.url })
  const change = host.engine.transaction(async ({ trx, raise: raiseInside }) => {
    await trx.insertInto('page').values({ page_id: 1, name: 'Home' }).execute()
    await raiseInside(site, 'Page', 1, 'Update', { data: { title: 'Home' } })
  })
  await expect(change).rejects.toMatchObject({
    code: 'invalid_payload',
    message: expect.stringContaining("must have required property 'name'"),
  })
  expect(await host.db.selectFrom('page').selectAll().execute()).toEqual([])
  await expect(raise(host, 'Update')).rejects.toMatchObject({ code: 'invalid_payload' })

  await raise(host, 'Update', { name: 'Home' })
  await raise(host, 'Delete')
  await consumer.received(2)
  await host.sender.drain()
  expect(consumer.requests).toHaveLength(2)
})

it('parks what cannot be refused: what is rendered, and what a trigger raises', async () => {
  await using host = await startHost({
    validate: 'refuse',
    renderRetry: { maxAttempts: 1 },
    render: { 'File.*': () => ({ title: 'a.pdf' }) },
  })
  const { eventTypes, endpoints } = host.sender
  defineTypes(host.sender)
  eventTypes.define({ type: 'File.Update', description, schema: named })
  await using consumer = await testConsumer()
  await endpoints.create({ tenantId: 1, url: consumer.url })
  await host.engine.captureTable({
    table: 'page',
    entityName: 'Page',
    entityId: 'page_id',
    tenantId: 1,
    siteId: 7,
    data: ['page_id'],
    actions: ['Update'],
  })
  await host.engine.syncManager.addSyncEvent(site, 'File', 1, 'Update', { data: { name: 'a.pdf' } as never })
  await host.db.insertInto('page').values({ page_id: 1, name: 'Home' }).execute()
  await host.db.updateTable('page').set({ name: 'Start' }).execute()
  const errors = await parkedErrors(host, 2)
  expect(errors.every((error) => error.includes("must have required property 'name'"))).toBe(true)
})
