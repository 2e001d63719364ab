import { EntityNames, type SyncEvent, systemClock } from '@x/events-core'
import { waitFor } from '@x/testkit'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { createPartitions, type TryOutcome } from '../../src/distribute/partitions.ts'
import { onEachDatabase } from '../open-engine.ts'

onEachDatabase((open) => {
  const raise = (host: Awaited<ReturnType<typeof open>>, tenantId: number, entityId: number) =>
    host.engine.syncManager.addSyncEvent({ tenantId, siteId: 1 }, EntityNames.File, entityId, 'Update')

  it('keeps the order within an entity, and lets a failing one hold up itself alone', async () => {
    await using host = await open()
    const handled: string[] = []
    let broken = true
    await host.engine.subscribe(
      {
        entityChanged(event, { attempt }) {
          if (event.entityId === 1 && broken) throw new Error('still broken')
          handled.push(`${event.entityId}.${event.data}${attempt > 1 ? ' again' : ''}`)
        },
      },
      {
        name: 'partitions',
        mode: 'durable',
        concurrency: 4,
        retry: { firstDelayMs: 1, maxDelayMs: 5, maxAttempts: 10_000 },
      },
    )
    await host.engine.start()
    for (const data of ['a', 'b', 'c']) {
      for (const entityId of [1, 2, 3]) {
        const { syncManager } = host.engine
        await syncManager.addSyncEvent({ tenantId: 1, siteId: 1 }, EntityNames.File, entityId, 'Update', {
          data,
        })
      }
    }
    await waitFor(() => handled.length === 6, 'the other entities')
    broken = false
    await waitFor(() => handled.length === 9, 'the entity that failed')
    const ofEntity = (id: number) => handled.filter((entry) => entry.startsWith(`${id}.`))
    expect(ofEntity(1)).toEqual(['1.a again', '1.b', '1.c'])
    expect(ofEntity(2)).toEqual(['2.a', '2.b', '2.c'])
    expect(ofEntity(3)).toEqual(['3.a', '3.b', '3.c'])
  })

  it('never saves a position beyond an event that is not finished', async () => {
    await using host = await open()
    const release = Promise.withResolvers<void>()
    const handled: number[] = []
    const subscriber = {
      async entityChanged(event: SyncEvent) {
        if (event.entityId === 1) await release.promise
        handled.push(Number(event.entityId))
      },
    }
    const options = { name: 'partitions', mode: 'durable', concurrency: 8, orderBy: 'entity' } as const
    await host.engine.subscribe(subscriber, options)
    await host.engine.start()
    const [before] = await host.engine.subscriptions.list()
    await Promise.all([1, 2, 3, 4].map((id) => raise(host, 1, id)))
    await waitFor(() => handled.length === 3, 'those that do not wait')
    expect((await host.engine.subscriptions.list())[0]?.position).toBe(before?.position)
    release.resolve()
    await waitFor(
      async () => (await host.engine.subscriptions.list())[0]?.position !== before?.position,
      'the save',
    )
    expect(new Set(handled)).toEqual(new Set([1, 2, 3, 4]))
  })

  it.each([
    ['tenant', 'tenant' as const, 2],
    ['own key', (event: SyncEvent) => String(Number(event.entityId) % 3), 3],
  ])('can keep order by %s', async (_name, orderBy, most) => {
    await using host = await open()
    let running = 0
    let mostRunning = 0
    const keys: string[] = []
    await host.engine.subscribe(
      {
        async entityChanged(event) {
          mostRunning = Math.max(mostRunning, ++running)
          await new Promise((resolve) => setImmediate(resolve))
          keys.push(`${event.tenantId} ${event.entityId}`)
          running -= 1
        },
      },
      { name: 'partitions', mode: 'durable', concurrency: 8, orderBy },
    )
    for (let id = 0; id < 12; id++) await raise(host, 1 + (id % 2), id)
    await host.engine.start()
    await host.engine.subscriptions.rewind('partitions', 'start')
    await waitFor(() => keys.length === 12, 'all events')
    expect(mostRunning).toBe(most)
  })
})

it('starts each item of a key after the one before, never more than allowed, and all of them', async () => {
  const given = fc.array(fc.record({ key: fc.constantFrom('a', 'b', 'c'), failures: fc.nat(2) }), {
    maxLength: 30,
  })
  await fc.assert(
    fc.asyncProperty(given, fc.integer({ min: 1, max: 4 }), async (items, concurrency) => {
      const done: number[] = []
      const failuresLeft = items.map(({ failures }) => failures)
      const busy = new Set<string>()
      const all = Promise.withResolvers<void>()
      if (items.length === 0) all.resolve()
      const partitions = createPartitions<number>(
        concurrency,
        systemClock,
        async (index): Promise<TryOutcome> => {
          const { key } = items[index] as { key: string }
          expect(busy.has(key)).toBe(false)
          busy.add(key)
          expect(busy.size).toBeLessThanOrEqual(concurrency)
          await Promise.resolve()
          busy.delete(key)
          if ((failuresLeft[index] as number) > 0) {
            failuresLeft[index] = (failuresLeft[index] as number) - 1
            return { retryAfterMs: 0 }
          }
          if (done.push(index) === items.length) all.resolve()
          return 'done'
        },
      )
      for (const [index, { key }] of items.entries()) partitions.add(key, index)
      await all.promise
      await partitions.idle()
      for (const key of ['a', 'b', 'c']) {
        const ofKey = done.filter((index) => items[index]?.key === key)
        expect(ofKey).toEqual([...ofKey].sort((one, other) => one - other))
      }
      expect(done.length).toBe(items.length)
    }),
    { numRuns: 50 },
  )
})
