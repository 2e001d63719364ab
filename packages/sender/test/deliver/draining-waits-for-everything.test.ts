import { manualClock, testConsumer } from '@x/testkit'
import { expect } from 'vitest'
import { it } from '../each-database.ts'
import { site, startHost } from '../open-host.ts'

it("waits for what a host's own transaction has raised, on a clock that stands still, and that has jumped", async () => {
  const clock = manualClock(Date.UTC(2026, 0, 1))
  await using host = await startHost({ engine: { clock, pollMaxMs: 2 ** 30 } })
  await using consumer = await testConsumer()
  await host.sender.endpoints.create({ tenantId: 1, url: consumer.url })
  for (const count of [1, 2, 3]) {
    await host.db.transaction().execute(async (trx) => {
      await host.engine.syncManager.addSyncEvent(site, 'File', count, 'Download', { trx })
      // The engine looks at once, and finds nothing yet: nobody tells it of the commit.
      await new Promise((resolve) => setTimeout(resolve, 20))
    })
    await host.sender.drain()
    expect(consumer.requests).toHaveLength(count)
    await clock.jump(86_400_000)
  }
})
