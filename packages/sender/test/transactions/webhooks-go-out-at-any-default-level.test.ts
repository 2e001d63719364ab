import { testConsumer, waitFor } from '@x/testkit'
import { expect, it } from 'vitest'
import { onPostgres } from '../each-database.ts'
import { openHost, recordingLogger, site } from '../open-host.ts'

it.each(['repeatable read', 'serializable'])(
  'sends everything, and people change what they like, where transactions are %s by default',
  (level) =>
    onPostgres(async () => {
      await using outer = await openHost()
      const database = new URL(outer.url).pathname.slice(1)
      await outer.run(`alter database ${database} set default_transaction_isolation = '${level}'`)
      const logger = recordingLogger()
      const options = { retrySchedule: [0, 0, 0], engine: { logger } }
      await using host = await outer.openAnother(options)
      await using node = await outer.openAnother(options)
      await host.start()
      await node.start()
      await using consumer = await testConsumer()
      const failed = new Set<unknown>()
      consumer.answer(({ rawBody, headers }) => {
        const { entityId } = JSON.parse(String(rawBody)).data
        const key = `${headers['x-endpoint']} ${entityId}`
        if (entityId % 5 !== 0 || failed.has(key)) return 204
        failed.add(key)
        return 500
      })
      const endpoints = await Promise.all(
        Array.from({ length: 6 }, (_, index) =>
          host.sender.endpoints.create({
            tenantId: 1,
            url: consumer.url,
            headers: { 'x-endpoint': `${index}` },
            ordering: index % 2 === 0 ? 'none' : 'fifo',
          }),
        ),
      )
      const raise = Array.from({ length: 40 }, (_, id) =>
        (id % 2 === 0 ? host : node).engine.syncManager.addSyncEvent(site, 'File', id, 'Download'),
      )
      const changes = endpoints.flatMap(({ endpoint: { id } }, index) => [
        host.sender.endpoints.update(id, { description: `changed ${index}` }),
        node.sender.endpoints.update(id, { metadata: { index: `${index}` } }),
        host.sender.endpoints.rotateSecret(id),
        node.sender.sendTest(id),
      ])
      await Promise.all([...raise, ...changes])
      await waitFor(async () => {
        const { deliveries } = await host.sender.stats()
        const [sent] = await Promise.all([
          host.sender.deliveries.list({ tenantId: 1, state: 'succeeded', limit: 250 }),
        ])
        return deliveries.pending === 0 && sent.length === 246
      }, 'everything to be sent')
      const job = await host.sender.deliveries.recover(endpoints[0]?.endpoint.id ?? '', {
        since: new Date(0),
      })
      expect(job.state).toBe('succeeded')
      expect((await host.sender.purgeTenant(1)).deliveries).toBe(246)
      const stats = await Promise.all([host.engine.stats(), node.engine.stats()])
      for (const { failed: failures, parked } of stats)
        expect({ failures, parked }).toEqual({ failures: 0, parked: 0 })
      const conflicts = logger.messages.filter(
        (one) => /40001|40P01/.test(one) && !/does not count/.test(one),
      )
      expect(conflicts).toEqual([])
    }),
  240_000,
)
