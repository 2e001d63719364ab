import { testConsumer, waitFor } from '@x/testkit'
import { expect, onTestFinished, vi } from 'vitest'
import { DeliveryBuffer } from '../../src/deliver/delivery-buffer.ts'
import { it } from '../each-database.ts'
import { startHost } from '../open-host.ts'

const MEGABYTE = 1024 * 1024
const ENDPOINTS = 64
const EVENTS = 10
const TEXT_BYTES = 250_000

/** Watches what reads bring, and how much of it waits in all buffers together. */
function watchBuffers() {
  const buffers = new Set<DeliveryBuffer>()
  const bodies = new Set<Buffer>()
  const seen = { buffers, bodies, deliveries: 0, mostBytes: 0 }
  const { endRead } = DeliveryBuffer.prototype
  const spy = vi.spyOn(DeliveryBuffer.prototype, 'endRead')
  spy.mockImplementation(function (this: DeliveryBuffer, found, ...limits) {
    endRead.call(this, found, ...limits)
    buffers.add(this)
    for (const { body } of found) bodies.add(body)
    seen.deliveries += found.length
    const bytes = [...buffers].reduce((sum, buffer) => sum + buffer.bytes, 0)
    seen.mostBytes = Math.max(seen.mostBytes, bytes)
  })
  onTestFinished(() => spy.mockRestore())
  return seen
}

it('keeps no more in memory than there is room for while many endpoints hang, and delivers all of it', async () => {
  // What has stopped, or died, has left all of it to be read.
  await using before = await startHost({ deliver: false })
  await using hanging = await testConsumer()
  await using healthy = await testConsumer()
  const letGo: (() => void)[] = []
  hanging.answer(() => new Promise((resolve) => letGo.push(() => resolve(204))))
  // So few at once that their tenant has sockets left.
  for (let index = 0; index < ENDPOINTS; index++) {
    await before.sender.endpoints.create({ tenantId: 1, url: `${hanging.url}/${index}`, concurrency: 2 })
  }
  for (const tenantId of [1, 2]) await before.sender.endpoints.create({ tenantId, url: healthy.url })
  for (let id = 0; id < EVENTS; id++) {
    for (const tenantId of [1, 2]) {
      const data = { text: 'x'.repeat(TEXT_BYTES) }
      await before.engine.syncManager.addSyncEvent({ tenantId, siteId: 7 }, 'File', id, 'Update', { data })
    }
  }
  const count = (ENDPOINTS + 2) * EVENTS
  await waitFor(async () => (await before.sender.stats()).deliveries.pending === count, 'the fan-out')
  await before.sender.stop()
  await before.engine.stop()

  const seen = watchBuffers()
  await using host = await before.openAnother({ deliver: true, timeoutMs: 300_000 })
  await host.start()
  const reached = () => new Set(hanging.requests.map(({ path }) => path)).size
  await waitFor(() => reached() === ENDPOINTS, 'a request to each endpoint')
  await healthy.received(2 * EVENTS, 30_000)
  // Besides the next delivery of each endpoint.
  const mostBytes = 64 * MEGABYTE + (ENDPOINTS + 2) * TEXT_BYTES
  expect(seen.mostBytes).toBeLessThan(mostBytes)
  expect(seen.bodies.size).toBeLessThan(seen.deliveries / 2)

  hanging.answer(204)
  for (const one of letGo) one()
  await host.sender.drain()
  expect(hanging.requests).toHaveLength(ENDPOINTS * EVENTS)
  expect(seen.mostBytes).toBeLessThan(mostBytes)
})

it('leaves what an endpoint that hangs has no room for, without reading it again and again', async () => {
  await using before = await startHost({ deliver: false })
  await using hanging = await testConsumer()
  await using healthy = await testConsumer()
  const letGo: (() => void)[] = []
  hanging.answer(() => new Promise((resolve) => letGo.push(() => resolve(204))))
  await before.sender.endpoints.create({ tenantId: 1, url: hanging.url, concurrency: 2 })
  const events = 40
  for (let id = 0; id < events; id++) {
    const data = { text: 'x'.repeat(200_000) }
    await before.engine.syncManager.addSyncEvent({ tenantId: 1, siteId: 7 }, 'File', id, 'Update', { data })
  }
  await waitFor(async () => (await before.sender.stats()).deliveries.pending === events, 'the fan-out')
  await before.sender.stop()
  await before.engine.stop()

  const seen = watchBuffers()
  await using host = await before.openAnother({ deliver: true, timeoutMs: 300_000 })
  await host.start()
  // A loop of reads would let nothing else happen on SQLite, where each ends at once.
  await waitFor(() => letGo.length === 2, 'what is sent at once')
  // Each of these has the sender look for what is due.
  await host.sender.endpoints.create({ tenantId: 2, url: healthy.url })
  for (let id = 0; id < 20; id++) {
    await host.engine.syncManager.addSyncEvent({ tenantId: 2, siteId: 7 }, 'File', id, 'Update')
    await healthy.received(id + 1)
    const [first] = await host.sender.deliveries.list({ tenantId: 2, state: 'succeeded' })
    if (first) await host.sender.deliveries.resend(first.id)
  }
  const large = [...seen.bodies].filter(({ length }) => length >= 200_000)
  expect(large.length).toBeLessThan(events / 2)
  hanging.answer(204)
  for (const one of letGo) one()
  await host.sender.drain()
  expect(hanging.requests).toHaveLength(events)
})
