import { EntityNames, type SyncEvent } from '@x/events-core'
import { waitFor } from '@x/testkit'
import { expect, it } from 'vitest'
import { onEachDatabase, site } from '../open-engine.ts'

onEachDatabase((open) => {
  const raise = (host: Awaited<ReturnType<typeof open>>, id: number) =>
    host.engine.syncManager.addSyncEvent(site, EntityNames.File, id, 'Download')
  const into = (list: number[]) => ({
    entityChanged: (event: SyncEvent) => void list.push(Number(event.entityId)),
  })
  const misplaced = { name: 'files', mode: 'durable', from: { position: 'nowhere' } } as const

  it('may be repeated on a running engine, and corrected', async () => {
    await using host = await open()
    const { engine } = host
    await engine.start()
    const refused: number[] = []
    for (let time = 1; time <= 2; time++) {
      await expect(engine.subscribe(into(refused), misplaced)).rejects.toMatchObject({
        code: 'invalid_position',
      })
    }
    expect(await engine.subscriptions.list()).toEqual([])
    const seen: number[] = []
    await engine.subscribe(into(seen), { name: 'files', mode: 'durable' })
    await raise(host, 1)
    await waitFor(() => seen.length === 1, 'the event')
    await engine.stop()
    await engine.start()
    await raise(host, 2)
    await waitFor(() => seen.length === 2, 'the event after another start')
    expect(refused).toEqual([])
  })

  it('may be repeated once the database can be reached again', async () => {
    let isDown = false
    const before = () => {
      if (isDown) throw new Error('no database')
    }
    await using host = await open({ observer: { before } })
    const { engine } = host
    await engine.start()
    const seen: number[] = []
    for (const mode of ['durable', 'broadcast'] as const) {
      isDown = true
      await expect(engine.subscribe(into(seen), { name: mode, mode })).rejects.toThrow()
      isDown = false
      await engine.subscribe(into(seen), { name: mode, mode })
    }
    await raise(host, 1)
    await waitFor(() => seen.length === 2, 'the event, twice')
  })

  it('leaves alone the one that has taken its name meanwhile', async () => {
    const reached = Promise.withResolvers<void>()
    const release = Promise.withResolvers<void>()
    const isRefused = Promise.withResolvers<void>()
    let held: readonly Promise<void>[] = []
    async function before(statement: string) {
      if (!statement.includes('from xe_subscription')) return
      const [next, ...more] = held
      held = more
      if (next) reached.resolve()
      await next
    }
    await using host = await open({ observer: { before } })
    const { engine } = host
    await engine.start()
    // The other one must not be stored before the first has looked for it.
    held = [release.promise, isRefused.promise]
    const refused = expect(engine.subscribe(into([]), misplaced)).rejects.toMatchObject({
      code: 'invalid_position',
    })
    await reached.promise
    const seen: number[] = []
    const options = { name: 'files', mode: 'durable' } as const
    await expect(engine.subscribe(into(seen), options)).rejects.toMatchObject({
      code: 'duplicate_subscription',
    })
    await engine.unsubscribe('files')
    const accepted = engine.subscribe(into(seen), options)
    release.resolve()
    await refused
    isRefused.resolve()
    await accepted
    await raise(host, 1)
    await waitFor(() => seen.length === 1, 'the event')
    await expect(engine.subscribe(into([]), options)).rejects.toMatchObject({
      code: 'duplicate_subscription',
    })
    // Its runner is known, so that it ends.
    await engine.unsubscribe('files')
    await waitFor(
      async () => (await engine.subscriptions.list())[0]?.leasedBy === undefined,
      'the end of the lease',
    )
  })

  it('is not begun by another start while it is refused', async () => {
    const reached = Promise.withResolvers<void>()
    const release = Promise.withResolvers<void>()
    let holds = false
    async function before(statement: string) {
      if (!holds || !statement.includes('from xe_subscription')) return
      holds = false
      reached.resolve()
      await release.promise
      throw new Error('no database')
    }
    await using host = await open({ observer: { before } })
    const { engine } = host
    await engine.start()
    holds = true
    const seen: number[] = []
    const options = { name: 'files', mode: 'durable' } as const
    const refused = expect(engine.subscribe(into(seen), options)).rejects.toThrow('no database')
    await reached.promise
    const stopped = engine.stop()
    const started = engine.start()
    release.resolve()
    await Promise.all([refused, stopped, started])
    await engine.subscribe(into(seen), options)
    await raise(host, 1)
    await waitFor(() => seen.length > 0, 'the event')
    expect(seen).toEqual([1])
  })
})
