import { testConsumer } from '@x/testkit'
import { expect, it } from 'vitest'
import type { PortalUser } from '../src/authorize.ts'
import { adapters } from './adapter-servers.ts'
import { openSender } from './open-sender.ts'
import { openStream } from './read-changes.ts'

const users: Readonly<Record<string, PortalUser>> = {
  ada: { tenantId: 1, role: 'viewer', name: 'Ada' },
  eve: { tenantId: 1, role: 'viewer', name: 'Eve' },
  bob: { tenantId: 2, role: 'viewer', name: 'Bob' },
}
const userOf = (header: string | undefined) => users[header ?? '']

async function openPortal(signal?: AbortSignal) {
  const opened = await openSender()
  const server = await (adapters['Express'] as NonNullable<(typeof adapters)['Express']>)(
    { ...opened, signal },
    userOf,
  )
  return {
    ...opened,
    events: `${server.url}/api/events`,
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]()
      await opened[Symbol.asyncDispose]()
    },
  }
}

it('tells of deliveries and endpoints of the own tenant, and of no other', async () => {
  await using portal = await openPortal()
  await using consumer = await testConsumer()
  const { sender, engine, events } = portal
  await using ada = await openStream(events, { authorization: 'ada' })
  await using bob = await openStream(events, { authorization: 'bob' })
  await ada.until((text) => text.includes('event: change'))
  await bob.until((text) => text.includes('event: change'))

  const { endpoint } = await sender.endpoints.create({ tenantId: 1, url: consumer.url })
  await ada.until((text) => text.includes(endpoint.id))
  await engine.syncManager.addSyncEvent({ tenantId: 1, siteId: 1 }, 'File', 1, 'Create')
  await consumer.received(1)
  const delivery = await ada.until((text) => text.includes('"deliveries":["dlv_'))
  expect(delivery).not.toContain('File')

  const other = await sender.endpoints.create({ tenantId: 2, url: consumer.url })
  const heard = await bob.until((text) => text.includes(other.endpoint.id))
  expect(heard).not.toContain(endpoint.id)
  expect(heard).not.toContain('dlv_')
})

it('tells of what happens to an old delivery that waited', async () => {
  await using portal = await openPortal()
  await using consumer = await testConsumer()
  const { sender, events } = portal
  const { endpoint } = await sender.endpoints.create({ tenantId: 1, url: consumer.url })
  consumer.answer(500)
  const { id } = await sender.sendTest(endpoint.id)
  await consumer.received(1)
  await using ada = await openStream(events, { authorization: 'ada' })
  await ada.until((text) => text.includes('event: change'))
  await sender.deliveries.cancel(id)
  expect(await ada.until((text) => text.includes(id))).toContain(`"deliveries":["${id}"]`)
})

it('limits the connections of each user, and gives back those that have ended', async () => {
  await using portal = await openPortal()
  await using held = new AsyncDisposableStack()
  const open = async (who: string) => openStream(portal.events, { authorization: who })
  const streams = await Promise.all(Array.from({ length: 16 }, () => open('ada')))
  for (const stream of streams) held.use(stream)
  expect(streams.map(({ status }) => status)).toEqual(Array(16).fill(200))
  await using refused = await open('ada')
  expect(refused.status).toBe(429)
  expect(refused.headers.get('retry-after')).toBe('30')
  await using eve = await open('eve')
  expect(eve.status).toBe(200)

  await streams[0]?.[Symbol.asyncDispose]()
  for (;;) {
    await using again = await open('ada')
    if (again.status === 200) break
  }
})

it('ends every connection when the host closes', async () => {
  const closing = new AbortController()
  await using portal = await openPortal(closing.signal)
  await using ada = await openStream(portal.events, { authorization: 'ada' })
  await ada.until((text) => text.includes('event: change'))
  closing.abort()
  await ada.ended()
})

it('tells nothing to whom the host does not know', async () => {
  await using portal = await openPortal()
  await using nobody = await openStream(portal.events)
  expect(nobody.status).toBe(401)
})
