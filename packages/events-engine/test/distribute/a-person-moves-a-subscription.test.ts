import { EntityNames, type SyncEvent } from '@x/events-core'
import { manualClock, waitFor } from '@x/testkit'
import { expect, it } from 'vitest'
import { onEachDatabase, site } from '../open-engine.ts'

onEachDatabase((open) => {
  const raise = (host: Awaited<ReturnType<typeof open>>, id: number) =>
    host.engine.syncManager.addSyncEvent(site, EntityNames.File, id, 'Download')

  async function recording(options: Parameters<typeof open>[0] = {}) {
    const host = await open(options)
    const seen: number[] = []
    await host.engine.subscribe(
      { entityChanged: (event: SyncEvent) => void seen.push(Number(event.entityId)) },
      { name: 'files', mode: 'durable' },
    )
    await host.engine.start()
    return { host, seen, [Symbol.asyncDispose]: () => host[Symbol.asyncDispose]() }
  }

  it('handles everything again after a rewind to the start', async () => {
    await using recorded = await recording()
    const { host, seen } = recorded
    for (const id of [1, 2, 3]) await raise(host, id)
    await waitFor(() => seen.length === 3, 'the events')
    await host.engine.subscriptions.rewind('files', 'start')
    await waitFor(() => seen.length === 6, 'the events again')
    expect(seen).toEqual([1, 2, 3, 1, 2, 3])
  })

  it('handles again what was raised from a time on', async () => {
    const clock = manualClock()
    await using recorded = await recording({ clock })
    const { host, seen } = recorded
    await raise(host, 1)
    await waitFor(() => seen.length === 1, 'the first event')
    await clock.advance(1_000)
    const time = new Date(clock.now())
    await raise(host, 2)
    await raise(host, 3)
    await waitFor(() => seen.length === 3, 'the events')
    await host.engine.subscriptions.rewind('files', time)
    await waitFor(() => seen.length === 5, 'the later events again')
    await host.engine.subscriptions.rewind('files', new Date(clock.now() + 60_000))
    await raise(host, 4)
    await waitFor(() => seen.length === 6, 'the last event')
    expect(seen).toEqual([1, 2, 3, 2, 3, 4])
  })

  it('goes back to a position that was noted, and begins at one', async () => {
    await using recorded = await recording()
    const { host, seen } = recorded
    const positionNow = async () => (await host.engine.subscriptions.list())[0]?.position
    const start = await positionNow()
    await raise(host, 1)
    const noted = await waitFor(async () => {
      const position = await positionNow()
      return position !== start && position
    }, 'the position after the first event')
    await raise(host, 2)
    await waitFor(() => seen.length === 2, 'the second event')
    await host.engine.subscriptions.rewind('files', noted)
    await waitFor(() => seen.length === 3, 'the second event again')
    const late: number[] = []
    await host.engine.subscribe(
      { entityChanged: (event) => void late.push(Number(event.entityId)) },
      { name: 'late', mode: 'durable', from: { position: noted } },
    )
    await waitFor(() => late.length === 1, 'the second event, elsewhere')
    expect({ seen, late }).toEqual({ seen: [1, 2, 2], late: [2] })
  })
  it('skips the event that blocks', async () => {
    await using host = await open()
    const seen: number[] = []
    await host.engine.subscribe(
      {
        entityChanged(event) {
          if (event.entityId === 1) throw new Error('never')
          seen.push(Number(event.entityId))
        },
      },
      { name: 'ledger', mode: 'durable', onExhausted: 'block', retry: { maxAttempts: 1 } },
    )
    await host.engine.start()
    const first = await raise(host, 1)
    await raise(host, 2)
    await waitFor(async () => (await host.engine.subscriptions.list())[0]?.state === 'blocked', 'the block')
    expect(await host.engine.subscriptions.skip('ledger')).toEqual(first)
    await waitFor(() => seen.length === 1, 'the next event')
    await waitFor(
      async () => (await host.engine.subscriptions.skip('ledger')) === undefined || undefined,
      'nothing to skip',
    )
    expect(seen).toEqual([2])
  })

  it('refuses places that are none, and subscriptions that are not there', async () => {
    await using recorded = await recording()
    const { subscriptions } = recorded.host.engine
    for (const place of ['', 's.x', 'p/1:2:3', '7', new Date('never')]) {
      await expect(subscriptions.rewind('files', place)).rejects.toMatchObject({ code: 'invalid_position' })
    }
    await expect(subscriptions.rewind('none', 'start')).rejects.toMatchObject({
      code: 'unknown_subscription',
    })
    await expect(subscriptions.skip('none')).rejects.toMatchObject({ code: 'unknown_subscription' })
  })
})
