import { testConsumer } from '@x/testkit'
import { expect } from 'vitest'
import { it } from '../each-database.ts'
import { startHost } from '../open-host.ts'

/** A tenant whose endpoints take requests and never end them. */
async function hostBesideHanging(endpoints: number) {
  await using open = new AsyncDisposableStack()
  const consumer = open.use(await testConsumer())
  const hanging = open.use(await testConsumer())
  const letGo: (() => void)[] = []
  hanging.answer(() => new Promise((resolve) => letGo.push(() => resolve(204))))
  const host = open.use(
    await startHost({ timeoutMs: 300_000, stopTimeoutMs: 50, maxEndpointsPerTenant: 2_000 }),
  )
  for (let index = 0; index < endpoints; index++) {
    await host.sender.endpoints.create({ tenantId: 1, url: `${hanging.url}/${index}` })
  }
  await host.sender.endpoints.create({ tenantId: 2, url: consumer.url })
  const raise = (tenantId: number, entityId: number) =>
    host.engine.syncManager.addSyncEvent({ tenantId, siteId: 1 }, 'File', entityId, 'Update')
  open.defer(() => {
    hanging.answer(204)
    for (const one of letGo) one()
  })
  const opened = open.move()
  return {
    consumer,
    hanging,
    raise,
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  }
}

it('delivers to a tenant while more endpoints of another hang than a node may hold', async () => {
  await using test = await hostBesideHanging(1_100)
  await test.raise(1, 1)
  // Half of the sockets; the rest are for others.
  await test.hanging.received(512)
  for (let id = 0; id < 20; id++) await test.raise(2, id)
  await test.consumer.received(20)
  expect(test.hanging.requests).toHaveLength(512)
})
