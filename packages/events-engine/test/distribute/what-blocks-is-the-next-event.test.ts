import { EntityNames, type IEventSubscriber } from '@x/events-core'
import { manualClock, waitFor } from '@x/testkit'
import { expect, it } from 'vitest'
import { type EngineOptions, onEachDatabase, recordingLogger, site } from '../open-engine.ts'

onEachDatabase((open) => {
  async function openLedger(subscriber: IEventSubscriber, options: EngineOptions = {}) {
    const logger = recordingLogger()
    const host = await open({ logger, ...options })
    await host.engine.subscribe(subscriber, {
      name: 'ledger',
      mode: 'durable',
      concurrency: 2,
      onExhausted: 'block',
      retry: { maxAttempts: 1 },
    })
    await host.engine.start()
    const { engine } = host
    const hasFailed = () => logger.messages.filter((text) => text.includes('failed for the last time')).length
    return {
      engine,
      raise: (id: number) => engine.syncManager.addSyncEvent(site, EntityNames.File, id, 'Download'),
      ledger: async () => (await engine.subscriptions.list())[0],
      waitForFailures: (count: number) => waitFor(() => hasFailed() >= count, 'the failures'),
      async waitForBlock() {
        await waitFor(
          async () => (await engine.subscriptions.list())[0]?.state === 'blocked',
          'the event that blocks',
        )
      },
      [Symbol.asyncDispose]: () => host[Symbol.asyncDispose](),
    }
  }

  it('lets an event that has used up its tries wait for those before it', async () => {
    const release = Promise.withResolvers<void>()
    const calls: number[] = []
    const done: number[] = []
    let isAborted = false
    await using host = await openLedger({
      async entityChanged({ entityId }, { signal }) {
        calls.push(Number(entityId))
        if (entityId === 1) await release.promise
        if (entityId === 1) isAborted = signal.aborted
        if (entityId === 2) throw new Error('never')
        done.push(Number(entityId))
      },
    })
    await host.raise(1)
    const second = await host.raise(2)
    await host.waitForFailures(1)
    // The others go on, and no one is told of a failure of the event that is next.
    await host.raise(3)
    await waitFor(() => done.includes(3), 'an event after the one that failed')
    expect(await host.ledger()).toMatchObject({ state: 'active', failedAttempts: 0, lastError: undefined })

    release.resolve()
    await host.waitForBlock()
    expect(isAborted).toBe(false)
    expect(await host.ledger()).toMatchObject({ failedAttempts: 1, lastError: 'Error: never' })
    expect(calls).toEqual([1, 2, 3])
    expect(await host.engine.stats()).toMatchObject({ failed: 1 })

    expect(await host.engine.subscriptions.skip('ledger')).toEqual(second)
    await host.raise(4)
    await waitFor(() => done.includes(4), 'the events after it')
    expect(calls.filter((id) => id <= 2)).toEqual([1, 2])
  })

  it('keeps no other from its try while it waits', async () => {
    const clock = manualClock()
    let hasGivenWay = false
    const done: number[] = []
    await using host = await openLedger(
      {
        entityChanged({ entityId }) {
          if (entityId === 2 || entityId === 3) throw new Error(`never ${entityId}`)
          if (entityId === 1 && !hasGivenWay) {
            hasGivenWay = true
            throw Object.assign(new Error('a deadlock'), { code: '40P01' })
          }
          done.push(Number(entityId))
        },
      },
      { clock },
    )
    for (const id of [1, 2, 3, 4]) await host.raise(id)
    // As many as may be under way have used up their tries.
    await host.waitForFailures(2)
    await waitFor(() => done.includes(4), 'an event after them')
    expect(await host.ledger()).toMatchObject({ state: 'active' })
    await clock.advance(60_000)
    await host.waitForBlock()
    expect(done).toEqual([4, 1])
    expect(await host.ledger()).toMatchObject({ lastError: 'Error: never 2' })
    expect(await host.engine.subscriptions.skip('ledger')).toMatchObject({ entityId: 2 })
    await waitFor(async () => (await host.ledger())?.lastError === 'Error: never 3', 'the next that blocks')
    expect(await host.engine.subscriptions.skip('ledger')).toMatchObject({ entityId: 3 })
  })

  it('waits no longer once the subscription is paused or the engine stops', async () => {
    const hanging: PromiseWithResolvers<void>[] = []
    const calls: number[] = []
    let isBroken = true
    await using host = await openLedger({
      async entityChanged({ entityId }, { signal }) {
        calls.push(Number(entityId))
        if (!isBroken) return
        if (entityId === 2) throw new Error('not yet')
        const hang = Promise.withResolvers<void>()
        hanging.push(hang)
        signal.addEventListener('abort', () => hang.reject(signal.reason))
        await hang.promise
      },
    })
    const start = (await host.ledger())?.position
    await host.raise(1)
    await host.raise(2)
    await host.waitForFailures(1)
    await host.engine.stop()
    expect(await host.ledger()).toMatchObject({ state: 'active', position: start, failedAttempts: 0 })

    await host.engine.start()
    await host.waitForFailures(2)
    await host.engine.subscriptions.pause('ledger')
    hanging.at(-1)?.resolve()
    await waitFor(async () => (await host.ledger())?.leasedBy === undefined, 'the end of the lease')
    expect(await host.ledger()).toMatchObject({ state: 'paused', failedAttempts: 0, lastError: undefined })

    isBroken = false
    await host.engine.subscriptions.resume('ledger')
    await waitFor(() => calls.length === 5, 'the event that had waited')
    expect(calls).toEqual([1, 2, 1, 2, 2])
  })

  it('forgets an event that is purged while it waits', async () => {
    const release = Promise.withResolvers<void>()
    const calls: number[] = []
    await using host = await openLedger({
      async entityChanged({ entityId, tenantId }) {
        calls.push(Number(entityId))
        if (entityId === 1) await release.promise
        if (tenantId === 2) throw new Error('never')
      },
    })
    const start = (await host.ledger())?.position
    const { syncManager } = host.engine
    await host.raise(1)
    await syncManager.addSyncEvent({ tenantId: 2, siteId: 1 }, EntityNames.File, 2, 'Download')
    await host.waitForFailures(1)
    await host.engine.purgeTenant(2)
    release.resolve()
    await host.raise(3)
    await waitFor(() => calls.includes(3), 'the event after it')
    await waitFor(async () => (await host.ledger())?.position !== start, 'the position after them')
    expect(await host.ledger()).toMatchObject({ state: 'active', lastError: undefined })
    expect(calls).toEqual([1, 2, 3])
  })

  it.each([1, 2])(
    'skips what blocks in batches, and no unwanted event before it (%i wanted)',
    async (wanted) => {
      await using host = await open()
      const { engine } = host
      const done: unknown[] = []
      await engine.subscribe(
        {
          async entitiesChanged(events) {
            if (events.some(({ entityId }) => entityId === 1)) throw new Error('never')
            done.push(...events.map(({ entityId }) => entityId))
          },
        },
        {
          name: 'ledger',
          mode: 'durable',
          filter: ({ action }) => action === 'Update',
          onExhausted: 'block',
          retry: { maxAttempts: 1 },
        },
      )
      const raise = (id: number, action: 'Update' | 'Download') =>
        engine.syncManager.addSyncEvent(site, EntityNames.File, id, action)
      await engine.start()
      await engine.subscriptions.pause('ledger')
      if (wanted === 2) await raise(2, 'Update')
      await raise(3, 'Download')
      const blocking = await raise(1, 'Update')
      await engine.subscriptions.resume('ledger')
      await waitFor(async () => (await engine.subscriptions.list())[0]?.state === 'blocked', 'the block')
      expect(await engine.subscriptions.skip('ledger')).toEqual(blocking)
      await raise(4, 'Update')
      await waitFor(() => done.includes(4), 'the event after it')
    },
  )

  it('keeps the count of the tries of the next event while one after it is parked', async () => {
    await using host = await open()
    const { engine } = host
    const release = Promise.withResolvers<void>()
    await engine.subscribe(
      {
        async entityChanged({ entityId }, { attempt }) {
          if (entityId === 1 && attempt === 2) await release.promise
          else throw new Error('broken')
        },
      },
      { name: 'files', mode: 'durable', concurrency: 2, retry: { maxAttempts: 2, firstDelayMs: 1 } },
    )
    await engine.start()
    for (const id of [1, 2]) await engine.syncManager.addSyncEvent(site, EntityNames.File, id, 'Download')
    await waitFor(async () => (await engine.subscriptions.parked('files')).length === 1, 'the parked event')
    expect(await engine.subscriptions.list()).toMatchObject([{ failedAttempts: 1 }])
    release.resolve()
    await waitFor(
      async () => (await engine.subscriptions.list())[0]?.failedAttempts === 0,
      'the position after both',
    )
  })
})
