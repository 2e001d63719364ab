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
    for (const attempt of [
      () => subscriptions.skip('none'),
      () => subscriptions.resume('none'),
      () => subscriptions.resume('none', 'evt_1'),
      () => subscriptions.parked('none'),
      () => subscriptions.discard('none'),
      () => subscriptions.discard('none', 'evt_1'),
    ]) {
      await expect(attempt()).rejects.toMatchObject({ code: 'unknown_subscription' })
    }
    // One that no node runs is there all the same.
    await recorded.host.engine.stop()
    expect(await subscriptions.parked('files')).toEqual([])
    expect(await subscriptions.discard('files')).toBe(0)
  })

  it('retries one parked event, and leaves the pause that a person has made to last', async () => {
    await using host = await open()
    const { subscriptions } = host.engine
    let isBroken = true
    const seen: number[] = []
    await host.engine.subscribe(
      {
        entityChanged({ entityId }) {
          if (isBroken) throw new Error('not yet')
          seen.push(Number(entityId))
        },
      },
      { name: 'files', mode: 'durable', retry: { maxAttempts: 1 } },
    )
    await host.engine.start()
    const [first, second] = [await raise(host, 1), await raise(host, 2)]
    await waitFor(async () => (await subscriptions.parked('files')).length === 2, 'the parked events')
    isBroken = false
    const stateOf = async () => (await subscriptions.list())[0]?.state

    // One that is not parked is not taken for one that is.
    for (const id of ['evt_1', '']) {
      await expect(subscriptions.resume('files', id)).rejects.toMatchObject({ code: 'event_not_parked' })
    }
    await subscriptions.pause('files')
    await expect(subscriptions.resume('files', 'evt_1')).rejects.toMatchObject({ code: 'event_not_parked' })
    expect(await stateOf()).toBe('paused')

    await subscriptions.resume('files', second.id)
    expect(await stateOf()).toBe('paused')
    const third = await raise(host, 3)
    expect(await subscriptions.skip('files')).toEqual(third)
    expect(await stateOf()).toBe('paused')
    await raise(host, 4)
    expect(seen).toEqual([])

    // The pause ends with all that was asked for, and with the others.
    await subscriptions.resume('files')
    await waitFor(() => seen.length === 3, 'the events')
    expect(seen).toEqual([1, 2, 4])
    await expect(subscriptions.resume('files', first.id)).rejects.toMatchObject({ code: 'event_not_parked' })
  })

  it('retries one parked event at once where the subscription is active', async () => {
    await using host = await open()
    const { subscriptions } = host.engine
    let isBroken = true
    const seen: number[] = []
    await host.engine.subscribe(
      {
        entityChanged({ entityId }) {
          if (isBroken) throw new Error('not yet')
          seen.push(Number(entityId))
        },
      },
      { name: 'files', mode: 'durable', retry: { maxAttempts: 1 } },
    )
    await host.engine.start()
    await raise(host, 1)
    const second = await raise(host, 2)
    await waitFor(async () => (await subscriptions.parked('files')).length === 2, 'the parked events')
    isBroken = false
    await subscriptions.resume('files', second.id)
    await waitFor(async () => (await subscriptions.parked('files')).length === 1, 'the second event')
    expect(seen).toEqual([2])
  })
})
