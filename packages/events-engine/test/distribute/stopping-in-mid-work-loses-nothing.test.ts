import { EntityNames, type SyncEvent } from '@x/events-core'
import { temporaryFolder, waitFor } from '@x/testkit'
import { postgresDatabase } from '@x/testkit/postgres'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { IBatchEventSubscriber } from '../../src/index.ts'
import { type HostTables, type OpenEngine, onEachDatabase, site } from '../open-engine.ts'
import { startProcess } from '../processes/start-process.ts'

const rejections: unknown[] = []
const onRejection = (error: unknown) => void rejections.push(error)
beforeEach(() => void process.on('unhandledRejection', onRejection))
afterEach(() => {
  process.off('unhandledRejection', onRejection)
  expect(rejections.splice(0)).toEqual([])
})

const raise = (host: OpenEngine, id: number) =>
  host.engine.syncManager.addSyncEvent(site, EntityNames.Page, id, 'Update')

const writePages: IBatchEventSubscriber<HostTables>['entitiesChanged'] = async (events, { trx }) => {
  const rows = events.map((event) => ({ pageId: Number(event.entityId), name: event.id }))
  await trx.insertInto('page').values(rows).execute()
}

onEachDatabase((open) => {
  it('loses and repeats nothing while it is started and stopped again and again under load', async ({
    annotate,
  }) => {
    await using host = await open()
    const handled: number[] = []
    const lanes: number[] = []
    const turn = () => new Promise<void>((resolve) => setImmediate(resolve))
    await host.engine.subscribe(
      {
        async entityChanged(event: SyncEvent) {
          await turn()
          handled.push(Number(event.entityId))
        },
      },
      { name: 'each', mode: 'durable', from: 'start', batchSize: 7 },
    )
    await host.engine.subscribe(
      {
        async entityChanged(event: SyncEvent) {
          await turn()
          lanes.push(Number(event.entityId))
        },
      },
      { name: 'lanes', mode: 'durable', from: 'start', concurrency: 4 },
    )
    await host.engine.subscribe(
      { entitiesChanged: writePages },
      { name: 'batch', mode: 'durable', from: 'start', batchSize: 3 },
    )
    let raising = true
    let raised = 0
    const raisers = [0, 1].map(async () => {
      while (raising) {
        await raise(host, ++raised)
        // On SQLite nothing above has waited for anything: others want their turn.
        await turn()
      }
    })
    let stops = 0
    try {
      for (; stops < 25; stops++) {
        await host.engine.start()
        const before = handled.length
        // Every other time as soon as something happens, else at once.
        if (stops % 2 === 0) await waitFor(() => handled.length > before, 'something to be handled')
        await host.engine.stop()
        const standstill = [handled.length, lanes.length]
        await turn()
        expect([handled.length, lanes.length], 'calls after stop() has resolved').toEqual(standstill)
      }
    } finally {
      raising = false
      await Promise.all(raisers)
    }
    await host.engine.start()
    const pages = () => host.db.selectFrom('page').select('pageId').orderBy('pageId').execute()
    await waitFor(async () => (await pages()).length === raised, 'every event to be in the batch')
    await waitFor(() => handled.length >= raised && lanes.length >= raised, 'every event to be handled')
    await annotate(`${raised} events, ${stops} stops, nothing repeated`)
    const ids = Array.from({ length: raised }, (_, index) => index + 1)
    expect(
      [...handled].sort((a, b) => a - b),
      'a stop saves how far it came',
    ).toEqual(ids)
    expect([...lanes].sort((a, b) => a - b)).toEqual(ids)
    expect((await pages()).map(({ pageId }) => pageId)).toEqual(ids)
  })

  it('waits for the call under way, begins no other, and saves the position behind it', async () => {
    await using host = await open()
    const entered = Promise.withResolvers<AbortSignal>()
    const release = Promise.withResolvers<void>()
    const calls: unknown[] = []
    await host.engine.subscribe(
      {
        async entityChanged(event, { signal }) {
          calls.push(event.entityId)
          entered.resolve(signal)
          await release.promise
        },
      },
      { name: 'each', mode: 'durable' },
    )
    await host.engine.start()
    for (const id of [1, 2, 3]) await raise(host, id)
    const signal = await entered.promise
    let stopped = false
    const stopping = host.engine.stop().then(() => {
      stopped = true
    })
    await waitFor(() => signal.aborted, 'the call to be told')
    expect(stopped).toBe(false)
    release.resolve()
    await stopping
    expect(calls).toEqual([1])
    await host.engine.start()
    await waitFor(() => calls.length === 3, 'the others after the next start')
    expect(calls).toEqual([1, 2, 3])
  })

  it('commits the batch under way with its position, or neither when the batch takes too long', async () => {
    await using host = await open({ stopTimeoutMs: 100 })
    let hang = false
    let calls = 0
    await host.engine.subscribe(
      {
        async entitiesChanged(events, context) {
          calls += 1
          await writePages(events, context)
          if (hang) await new Promise(() => {})
          else if (events[0]?.entityId === 1) await new Promise((resolve) => setTimeout(resolve, 30))
        },
      },
      { name: 'batch', mode: 'durable', batchSize: 1 },
    )
    const pageIds = async () => {
      const rows = await host.db.selectFrom('page').select('pageId').orderBy('pageId').execute()
      return rows.map(({ pageId }) => pageId)
    }
    await host.engine.start()
    await raise(host, 1)
    await waitFor(() => calls === 1, 'the batch')
    await host.engine.stop()
    expect(await pageIds()).toEqual([1])

    hang = true
    await raise(host, 2)
    await host.engine.start()
    await waitFor(() => calls === 2, 'the batch that hangs')
    await host.engine.stop()
    expect(await pageIds()).toEqual([1])
    hang = false
    await host.engine.start()
    await waitFor(async () => (await pageIds()).length === 2, 'the batch after the next start')
    expect(await pageIds()).toEqual([1, 2])
  })

  it('does not wait for the pause before a retry, nor count what the stop has interrupted', async () => {
    await using host = await open()
    const attempts: number[] = []
    await host.engine.subscribe(
      {
        entityChanged(_event, { attempt }) {
          attempts.push(attempt)
          throw new Error('not yet')
        },
      },
      { name: 'each', mode: 'durable', retry: { firstDelayMs: 1_000_000, maxDelayMs: 1_000_000 } },
    )
    await host.engine.start()
    await raise(host, 1)
    await waitFor(
      async () => (await host.engine.subscriptions.list())[0]?.failedAttempts === 1,
      'the first try to be remembered',
    )
    // Does not wait for the pause to end.
    await host.engine.stop()
    await host.engine.start()
    await waitFor(() => attempts.length === 2, 'the second try')
    expect(attempts).toEqual([1, 2])
  })

  it('stops all of it when one subscription cannot start, and may be started again without', async () => {
    await using host = await open()
    const handled: unknown[] = []
    await host.engine.subscribe(
      { entityChanged: (event) => void handled.push(event.entityId) },
      { name: 'good', mode: 'durable' },
    )
    await host.engine.subscribe(
      { entityChanged: () => {} },
      { name: 'bad', mode: 'durable', from: { position: 'nowhere' } },
    )
    await expect(host.engine.start()).rejects.toMatchObject({ code: 'invalid_position' })
    await raise(host, 1)
    const [stored] = await host.engine.subscriptions.list()
    expect(stored?.leasedBy, 'nobody works in an engine that did not start').toBeUndefined()
    await host.engine.unsubscribe('bad')
    await host.engine.start()
    await waitFor(() => handled.length > 0, 'the event')
    await host.engine.stop()
    expect(handled).toEqual([1])
  })
})

describe('a process whose engine was stopped in mid-work', () => {
  async function expectToEnd(location: string): Promise<void> {
    await using host = startProcess('stopping-host.ts', location)
    await waitFor(() => host.lines.includes('stopped') || host.ended, 'the host to stop')
    await waitFor(() => host.ended, 'the process to end by itself', 30_000)
    expect([host.errors, host.ended]).toEqual(['', { code: 0, signal: null }])
  }

  it('ends by itself on SQLite', async () => {
    await using folder = await temporaryFolder()
    await expectToEnd(`${folder.path}/host.db`)
  })

  it('ends by itself on PostgreSQL', async () => {
    await using database = await postgresDatabase<object>()
    await expectToEnd(database.url)
  })
})
