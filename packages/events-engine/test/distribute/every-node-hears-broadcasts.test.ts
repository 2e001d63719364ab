import { EntityNames, type SyncEvent } from '@x/events-core'
import { waitFor } from '@x/testkit'
import type { StatementObserver } from '@x/testkit/observed-dialect'
import { expect, it } from 'vitest'
import { createEventEngine } from '../../src/index.ts'
import { internalsOf } from '../../src/internal.ts'
import { onEachDatabase, recordingLogger, site } from '../open-engine.ts'

/** How an engine looks for news. */
const LOOK = /sqlite_sequence|as changed/
/** How it reads them, on PostgreSQL. */
const READ = /cross join lateral/

onEachDatabase((open, dialect) => {
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

  /** An engine whose looks for news are counted, and whose reads are known to have ended. */
  async function openLooking(pollMs: number, afterRead = async () => {}) {
    let looks = 0
    let reads = 0
    const observer: StatementObserver = {
      before(statement) {
        if (READ.test(statement)) reads += 1
      },
      async after(statement) {
        if (LOOK.test(statement)) looks += 1
        if (!READ.test(statement)) return
        await afterRead()
        reads -= 1
      },
    }
    const host = await open({ pollMinMs: pollMs, pollMaxMs: pollMs, observer })
    const { engine } = host
    const looksMore = (more: number, isDone = () => true) => {
      const before = looks
      return waitFor(() => looks >= before + more && isDone(), 'looks for news')
    }
    const raise = (id: number) => engine.syncManager.addSyncEvent(site, EntityNames.File, id, 'Download')
    const heard: number[] = []
    return {
      engine,
      heard,
      listener: ({ entityId }: SyncEvent) => void heard.push(Number(entityId)),
      raise,
      async looksNow() {
        internalsOf(engine).lookSoon()
        await looksMore(1)
      },
      /** Waits for a look that has begun since. */
      looksAgain: () => looksMore(2),
      /** The same, and for the end of each read that was under way. */
      looksAndReads: () => looksMore(2, () => reads === 0),
      [Symbol.asyncDispose]: () => host[Symbol.asyncDispose](),
    }
  }

  it('tells no event twice to a listener that is removed and added again', async () => {
    await using looking = await openLooking(60_000)
    const { engine, heard, listener, raise } = looking
    const passedOn: number[] = []
    await engine.subscribe(
      { entityChanged: ({ entityId }) => void passedOn.push(Number(entityId)) },
      { name: 'another', mode: 'broadcast' },
    )
    await engine.start()
    // The last look by a timer: own commits are heard of without.
    await looking.looksNow()
    engine.syncManager.on('entityChanged', listener)
    await raise(1)
    await waitFor(() => heard.length === 1, 'the first event')
    engine.syncManager.off('entityChanged', listener)
    await raise(2)
    await waitFor(() => passedOn.includes(2), 'the event while nobody listened')
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
      await looking.looksAndReads()
      await raise(-id)
      await looking.looksAndReads()
    }
    expect(heard).toEqual([1, 2, 3, 4, 5])
  })

  // On SQLite, a look for news waits until the read has ended.
  it.runIf(dialect === 'postgres')('passes over it, too, where a read was slow', async () => {
    const read = Promise.withResolvers<void>()
    const goOn = Promise.withResolvers<void>()
    await using looking = await openLooking(5, () => {
      read.resolve()
      return goOn.promise
    })
    const { engine, heard, listener, raise } = looking
    await engine.start()
    engine.syncManager.on('entityChanged', listener)
    await raise(1)
    await read.promise
    engine.syncManager.off('entityChanged', listener)
    await raise(2)
    await looking.looksAgain()
    goOn.resolve()
    await looking.looksAndReads()
    engine.syncManager.on('entityChanged', listener)
    await raise(3)
    await waitFor(() => heard.includes(3), 'the last event')
    expect(heard).toEqual([3])
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
