import { EntityNames, type SyncEvent } from '@x/events-core'
import { waitFor } from '@x/testkit'
import { expect, it } from 'vitest'
import { createEventEngine } from '../../src/index.ts'
import { type OpenEngine, onEachDatabase, recordingLogger, site } from '../open-engine.ts'

const raise = (host: Pick<OpenEngine, 'engine'>, entityId: number) =>
  host.engine.syncManager.addSyncEvent(site, EntityNames.File, entityId, 'Download')

onEachDatabase((open, dialect) => {
  it('goes on after a restart with the first event that was not handled', async () => {
    await using host = await open()
    const seen: number[] = []
    const subscriber = { entityChanged: (event: SyncEvent) => void seen.push(Number(event.entityId)) }
    await host.engine.subscribe(subscriber, { name: 'files', mode: 'durable' })
    await host.engine.start()
    await raise(host, 1)
    await waitFor(() => seen.length === 1, 'the first event')
    await host.engine.stop()
    await raise(host, 2)

    await using next = createEventEngine({ db: host.db })
    await next.subscribe(subscriber, { name: 'files', mode: 'durable' })
    await next.start()
    await raise({ engine: next }, 3)
    await waitFor(() => seen.length === 3, 'all events')
    expect(seen).toEqual([1, 2, 3])
  })

  it('begins with what is raised after its first start, or with the oldest event when told so', async () => {
    await using host = await open()
    await raise(host, 1)
    const fromNow: number[] = []
    const fromStart: number[] = []
    const into = (list: number[]) => ({
      entityChanged: (event: SyncEvent) => void list.push(Number(event.entityId)),
    })
    await host.engine.subscribe(into(fromNow), { name: 'from-now', mode: 'durable' })
    await host.engine.subscribe(into(fromStart), { name: 'from-start', mode: 'durable', from: 'start' })
    await host.engine.start()
    await raise(host, 2)
    await waitFor(() => fromNow.length === 1 && fromStart.length === 2, 'the events')
    expect({ fromNow, fromStart }).toEqual({ fromNow: [2], fromStart: [1, 2] })
  })

  it('is handled by one node at a time, and by the other one once the first stops', async () => {
    await using host = await open()
    await using other = createEventEngine({ db: host.db, leaseMs: 300 })
    const seen: string[] = []
    const as = (node: string) => ({
      entityChanged: (event: SyncEvent) => void seen.push(`${node}${event.entityId}`),
    })
    await host.engine.subscribe(as('a'), { name: 'files', mode: 'durable' })
    await other.subscribe(as('b'), { name: 'files', mode: 'durable' })
    await host.engine.start()
    await raise(host, 1)
    await waitFor(() => seen.length === 1, 'the first event')
    await other.start()
    await raise(host, 2)
    await waitFor(() => seen.length === 2, 'the second event')
    await host.engine.stop()
    await raise(host, 3)
    await waitFor(() => seen.length === 3, 'the third event')
    expect(seen).toEqual(['a1', 'a2', 'b3'])
  })

  it('tries a failing event again, with the number of the try, before the next one', async () => {
    await using host = await open()
    const calls: string[] = []
    await host.engine.subscribe(
      {
        entityChanged(event, { attempt }) {
          calls.push(`${event.entityId} try ${attempt}`)
          if (event.entityId === 1 && attempt < 3) throw new Error('not yet')
        },
      },
      { name: 'files', mode: 'durable', retry: { firstDelayMs: 1 } },
    )
    await host.engine.start()
    await raise(host, 1)
    await raise(host, 2)
    await waitFor(() => calls.length === 4, 'all calls')
    expect(calls).toEqual(['1 try 1', '1 try 2', '1 try 3', '2 try 1'])
  })

  it('remembers failed tries over a restart', async () => {
    await using host = await open()
    const attempts: number[] = []
    const subscriber = {
      entityChanged(_event: SyncEvent, { attempt }: { attempt: number }) {
        attempts.push(attempt)
        throw new Error('never')
      },
    }
    const options = {
      name: 'files',
      mode: 'durable',
      retry: { firstDelayMs: 60_000, maxDelayMs: 60_000 },
    } as const
    await host.engine.subscribe(subscriber, options)
    await host.engine.start()
    await raise(host, 1)
    await waitFor(
      async () => (await host.engine.subscriptions.list())[0]?.failedAttempts === 1,
      'the failure',
    )
    await host.engine.stop()

    await using next = createEventEngine({ db: host.db })
    await next.subscribe(subscriber, options)
    await next.start()
    await waitFor(() => attempts.length === 2, 'the second try')
    expect(attempts).toEqual([1, 2])
  })

  it('parks an event after its last try, goes on, and handles it when a person resumes it', async () => {
    await using host = await open()
    const handled: number[] = []
    let broken = true
    await host.engine.subscribe(
      {
        entityChanged(event) {
          if (event.entityId === 1 && broken) throw new Error('the printer is out of paper')
          handled.push(Number(event.entityId))
        },
      },
      { name: 'print', mode: 'durable', retry: { maxAttempts: 2, firstDelayMs: 1 } },
    )
    await host.engine.start()
    const first = await raise(host, 1)
    await raise(host, 2)
    await waitFor(() => handled.length === 1, 'the second event')
    const parked = await waitFor(async () => {
      const found = await host.engine.subscriptions.parked('print')
      return found.length > 0 && found
    }, 'the parked event')
    expect(parked).toEqual([
      { event: first, attempts: 2, error: 'Error: the printer is out of paper', parkedOn: expect.any(Date) },
    ])
    expect(await host.engine.subscriptions.list()).toMatchObject([
      { name: 'print', state: 'active', parked: 1 },
    ])

    broken = false
    await host.engine.subscriptions.resume('print')
    await waitFor(() => handled.length === 2, 'the parked event to be handled')
    await waitFor(
      async () => (await host.engine.subscriptions.parked('print')).length === 0,
      'nothing to be parked',
    )
    expect(handled).toEqual([2, 1])
  })

  it('stands still after the last try when told to block, until a person resumes it', async () => {
    await using host = await open()
    const handled: number[] = []
    let broken = true
    await host.engine.subscribe(
      {
        entityChanged(event) {
          if (broken) throw new Error('closed')
          handled.push(Number(event.entityId))
        },
      },
      { name: 'ledger', mode: 'durable', onExhausted: 'block', retry: { maxAttempts: 1 } },
    )
    await host.engine.start()
    await raise(host, 1)
    await raise(host, 2)
    const state = async () => (await host.engine.subscriptions.list())[0]?.state
    await waitFor(async () => (await state()) === 'blocked', 'the subscription to be blocked')
    expect(await host.engine.subscriptions.list()).toMatchObject([
      { failedAttempts: 1, lastError: 'Error: closed' },
    ])
    broken = false
    await host.engine.subscriptions.resume('ledger')
    await waitFor(() => handled.length === 2, 'both events')
    expect(handled).toEqual([1, 2])
  })

  it('does not hold up other subscriptions, or the raiser, while a subscriber hangs', async () => {
    await using host = await open({ stopTimeoutMs: 10 })
    const seen: number[] = []
    await host.engine.subscribe(
      { entityChanged: () => new Promise(() => {}) },
      { name: 'hangs', mode: 'durable' },
    )
    await host.engine.subscribe(
      { entityChanged: () => new Promise(() => {}) },
      { name: 'hangs-too', mode: 'broadcast' },
    )
    await host.engine.subscribe(
      { entityChanged: (event) => void seen.push(Number(event.entityId)) },
      { name: 'works', mode: 'durable' },
    )
    await host.engine.start()
    for (const entityId of [1, 2, 3]) await raise(host, entityId)
    await waitFor(() => seen.length === 3, 'the events')
  })

  it('gives up a call that takes too long, and aborts its signal', async () => {
    await using host = await open({ stopTimeoutMs: 10 })
    const aborted: boolean[] = []
    await host.engine.subscribe(
      {
        entityChanged(_event, { signal }) {
          signal.addEventListener('abort', () => aborted.push(true))
          return new Promise(() => {})
        },
      },
      { name: 'slow', mode: 'durable', timeoutMs: 20, retry: { maxAttempts: 1 } },
    )
    await host.engine.start()
    await raise(host, 1)
    const [parked] = await waitFor(async () => {
      const found = await host.engine.subscriptions.parked('slow')
      return found.length > 0 && found
    }, 'the parked event')
    expect(parked?.error).toContain('did not finish within 20 ms')
    expect(aborted).toEqual([true])
  })

  it('pauses on request, and keeps the events of the meantime', async () => {
    await using host = await open()
    const seen: number[] = []
    await host.engine.subscribe(
      { entityChanged: (event) => void seen.push(Number(event.entityId)) },
      { name: 'files', mode: 'durable' },
    )
    await host.engine.start()
    await host.engine.subscriptions.pause('files')
    await waitFor(async () => {
      const [info] = await host.engine.subscriptions.list()
      return info?.state === 'paused' && info.leasedBy === undefined
    }, 'the pause')
    await raise(host, 1)
    await host.engine.subscriptions.resume('files')
    await waitFor(() => seen.length === 1, 'the event')
    await expect(host.engine.subscriptions.pause('none')).rejects.toMatchObject({
      code: 'unknown_subscription',
    })
  })

  it('only hands out what the filter wants, and still moves on past the rest', async () => {
    const logger = recordingLogger()
    await using host = await open({ logger })
    const seen: string[] = []
    await host.engine.subscribe(
      { entityChanged: (event) => void seen.push(event.action) },
      { name: 'files', mode: 'durable', filter: ['File.*', '*.Delete'] },
    )
    await host.engine.start()
    for (const [name, action] of [
      ['Page', 'Update'],
      ['File', 'Download'],
      ['Page', 'Delete'],
      ['Page', 'Create'],
    ] as const) {
      await host.engine.syncManager.addSyncEvent(site, name, 1, action)
    }
    await waitFor(() => seen.length === 2, 'the wanted events')
    expect(seen).toEqual(['Download', 'Delete'])
    await host.engine.stop()
    expect((await host.engine.subscriptions.list())[0]?.position).toMatch(
      dialect === 'sqlite' ? /^s\.4@/ : /^p\//,
    )
    expect(logger.messages).toEqual([])
  })
})
