import { testConsumer, waitFor } from '@x/testkit'
import { Kysely } from 'kysely'
import { expect, onTestFinished, vi } from 'vitest'
import { it } from '../each-database.ts'
import { site, startHost } from '../open-host.ts'

/** Holds back what the next statement that matches has read. */
function holdNext(pattern: RegExp) {
  const { promise, resolve: release } = Promise.withResolvers<void>()
  const { executeQuery } = Kysely.prototype
  let isHeld = false
  const spy = vi.spyOn(Kysely.prototype, 'executeQuery').mockImplementation(async function (
    this: Kysely<unknown>,
    query,
  ) {
    const result = await executeQuery.call(this, query)
    if (isHeld || !pattern.test((query as { readonly sql: string }).sql)) return result
    isHeld = true
    await promise
    return result
  } as typeof executeQuery)
  onTestFinished(() => spy.mockRestore())
  return { release, isHeld: () => isHeld }
}

it('sends to the URL that an endpoint has, although it was given while the endpoint was read', async () => {
  await using before = await testConsumer()
  await using after = await testConsumer()
  await using host = await startHost({ leaseMs: 60_000 })
  const { endpoints } = host.sender
  // Limited, so that it is stored, and the endpoint is read to send it.
  const rateLimit = { limit: 100, perSeconds: 1 }
  const { endpoint } = await endpoints.create({ tenantId: 1, url: before.url, rateLimit })
  const secrets = holdNext(/from \S*webhook_secret/)
  await host.engine.syncManager.addSyncEvent(site, 'File', 1, 'Download')
  await waitFor(secrets.isHeld, 'the endpoint to be read')
  await endpoints.update(endpoint.id, { url: after.url })
  secrets.release()
  await after.received(1)
  expect(before.requests).toEqual([])
})
