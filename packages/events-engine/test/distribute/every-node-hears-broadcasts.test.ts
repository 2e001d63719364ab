import { EntityNames, type SyncEvent } from '@x/events-core'
import { waitFor } from '@x/testkit'
import { expect, it } from 'vitest'
import { createEventEngine } from '../../src/index.ts'
import { internalsOf } from '../../src/internal.ts'
import { onEachDatabase, recordingLogger, site } from '../open-engine.ts'

/** How an engine looks for news. */
const LOOK = /sqlite_sequence|as changed/

onEachDatabase((open) => {
  it('shows each event to each node, in order, from the time it started', async () => {
    await using host = await open()
    await using other = createEventEngine({ db: host.db, pollMaxMs: 20 })
    const seen = { here: [] as number[], there: [] as number[] }
    const into = (list: number[]) => ({
      entityChanged: (event: SyncEvent) => void list.push(Number(event.entityId)),
    })
    await host.engine.subscribe(into(seen.here), { name: 'cache', mode: 'broadcast' })
    await other.subscribe(into(seen.there), { name: 'cache', mode: 'broadcast' })
    await host.engine.start()
    const raise = (id: number) => host.engine.syncManager.addSyncEvent(site, EntityNames.File, id, 'Download')
    await raise(1)
    await waitFor(() => seen.here.length === 1, 'the first event')
    await other.start()
    await Promise.all([2, 3, 4].map(raise))
    await waitFor(() => seen.here.length === 4 && seen.there.length === 3, 'all events')
    expect(seen).toEqual({ here: [1, 2, 3, 4], there: [2, 3, 4] })
  })

  it('calls local listeners, logs what one of them throws, and goes on', async () => {
    const logger = recordingLogger()
    await using host = await open({ logger })
    const seen: number[] = []
    const listener = (event: SyncEvent) => void seen.push(Number(event.entityId))
    host.engine.syncManager.on('entityChanged', () => {
      throw new Error('careless')
    })
    host.engine.syncManager.on('entityChanged', listener)
    await host.engine.start()
    await host.engine.syncManager.addSyncEvent(site, EntityNames.File, 1, 'Download')
    await waitFor(() => seen.length === 1, 'the event')
    expect(logger.messages).toEqual(['A listener of entityChanged failed'])

    host.engine.syncManager.off('entityChanged', listener)
    await host.engine.syncManager.addSyncEvent(site, EntityNames.File, 2, 'Download')
    await waitFor(() => logger.messages.length === 2, 'the careless listener')
    expect(seen).toEqual([1])
  })

  it('calls a listener for whatever is raised once it is there, though nobody listened before', async () => {
    await using host = await open()
    await host.engine.start()
    const { syncManager } = host.engine
    const raise = (id: number) => syncManager.addSyncEvent(site, EntityNames.File, id, 'Download')
    for (let id = 1; id <= 30; id++) {
      // Passed over, maybe while the next listener comes.
      const before = raise(-id)
      if (id % 3 !== 0) await before
      const heard = Promise.withResolvers<void>()
      const listener = (event: SyncEvent) => void (event.entityId === id && heard.resolve())
      syncManager.on('entityChanged', listener)
      await raise(id)
      await heard.promise
      syncManager.off('entityChanged', listener)
      await before
    }
  })

  /** An engine whose looks for news are counted, and another subscription to know when an event was passed on. */
  async function openLooking(pollMs: number) {
    let looks = 0
    const after = (statement: string) => {
      if (LOOK.test(statement)) looks += 1
    }
    const host = await open({ pollMinMs: pollMs, pollMaxMs: pollMs, observer: { after } })
    const { engine } = host
    let passedOn: unknown
    await engine.subscribe(
      {
        entityChanged({ entityId }) {
          passedOn = entityId
        },
      },
      { name: 'another', mode: 'broadcast' },
    )
    const heard: number[] = []
    return {
      engine,
      heard,
      listener: ({ entityId }: SyncEvent) => void heard.push(Number(entityId)),
      async raise(id: number) {
        await engine.syncManager.addSyncEvent(site, EntityNames.File, id, 'Download')
        await waitFor(() => passedOn === id, `event ${id}`)
      },
      async looksNow() {
        const before = looks
        internalsOf(engine).lookSoon()
        await waitFor(() => looks > before, 'the look')
      },
      async looksAgain() {
        const before = looks
        await waitFor(() => looks >= before + 2, 'a look that began since')
      },
      [Symbol.asyncDispose]: () => host[Symbol.asyncDispose](),
    }
  }

  it('tells no event twice to a listener that is removed and added before the next look for news', async () => {
    await using looking = await openLooking(60_000)
    const { engine, heard, listener, raise } = looking
    await engine.start()
    // The only look: own commits are heard of without.
    await looking.looksNow()
    engine.syncManager.on('entityChanged', listener)
    await raise(1)
    await waitFor(() => heard.length === 1, 'the first event')
    engine.syncManager.off('entityChanged', listener)
    await raise(2)
    engine.syncManager.on('entityChanged', listener)
    await raise(3)
    await waitFor(() => heard.includes(3), 'the last event')
    expect(heard.filter((id) => id !== 2)).toEqual([1, 3])
  })

  it('passes over what was raised while nobody listened', async () => {
    await using looking = await openLooking(5)
    const { engine, heard, listener, raise } = looking
    await engine.start()
    for (let id = 1; id <= 5; id++) {
      engine.syncManager.on('entityChanged', listener)
      await raise(id)
      await waitFor(() => heard.includes(id), 'the event')
      engine.syncManager.off('entityChanged', listener)
      await looking.looksAgain()
      await raise(-id)
      await looking.looksAgain()
    }
    expect(heard).toEqual([1, 2, 3, 4, 5])
  })

  it('logs what a broadcast subscriber throws, and goes on with the next event', async () => {
    const logger = recordingLogger()
    await using host = await open({ logger })
    const seen: number[] = []
    await host.engine.subscribe(
      {
        entityChanged(event) {
          seen.push(Number(event.entityId))
          throw new Error('careless')
        },
      },
      { name: 'cache', mode: 'broadcast' },
    )
    await host.engine.start()
    for (const id of [1, 2])
      await host.engine.syncManager.addSyncEvent(site, EntityNames.File, id, 'Download')
    await waitFor(() => seen.length === 2, 'both events')
    expect(logger.messages).toContain('A broadcast subscriber failed')
  })
})
