import { EntityNames } from '@x/events-core'
import { waitFor } from '@x/testkit'
import { type RecordedTelemetry, recordTelemetry } from '@x/testkit/telemetry'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { type OpenEngine, onEachDatabase, recordingLogger, site } from '../open-engine.ts'

const raise = ({ engine }: OpenEngine, entityId = 1, action = 'Download') =>
  engine.syncManager.addSyncEvent(site, EntityNames.File, entityId, action)
const of = (subscription: string) => ({ 'x_events.subscription': subscription })
const failing = (subscription: string, type: string) => ({ ...of(subscription), 'error.type': type })

onEachDatabase((open) => {
  let telemetry: RecordedTelemetry
  beforeEach(() => {
    telemetry = recordTelemetry()
  })
  afterEach(() => telemetry[Symbol.asyncDispose]())

  it('counts what is raised by action, and what is handled by subscription, each with its times', async () => {
    await using host = await open()
    await host.engine.subscribe({ entityChanged() {} }, { name: 'all', mode: 'durable' })
    await host.engine.subscribe(
      { entityChanged() {} },
      { name: 'updates', mode: 'broadcast', filter: '*.Update' },
    )
    host.engine.syncManager.on('entityChanged', () => {})
    await host.engine.start()
    await raise(host, 1)
    await host.engine.transaction(({ trx }) =>
      host.engine.syncManager.addSyncEvent(site, EntityNames.File, 2, 'Update', { trx }),
    )
    await raise(host, 3)
    const metrics = await waitFor(async () => {
      const collected = await telemetry.collect()
      const handled = collected.get('x_events.handled') ?? []
      return handled.reduce((sum, { value }) => sum + value, 0) === 4 && collected
    }, 'four handled events')

    expect(metrics.get('x_events.raised')).toEqual([
      { attributes: { 'x_events.action': 'Download' }, value: 2 },
      { attributes: { 'x_events.action': 'Update' }, value: 1 },
    ])
    // No tenant, and nothing of the engine's own listeners.
    for (const name of ['x_events.handled', 'x_events.handling.duration', 'x_events.handling.delay']) {
      const values = [...(metrics.get(name) ?? [])].sort((a, b) => b.value - a.value)
      expect(values, name).toEqual([
        { attributes: of('all'), value: 3 },
        { attributes: of('updates'), value: 1 },
      ])
    }
    expect(metrics.has('x_events.failed')).toBe(false)
    expect(await host.engine.stats()).toMatchObject({ raised: 3, handled: 4, failed: 0, parked: 0 })
  })

  it('counts each failed call and each parked event, and what is handled after it was resumed', async () => {
    await using host = await open()
    let isFull = true
    await host.engine.subscribe(
      {
        entityChanged({ entityId }) {
          if (isFull && entityId === 1) throw new RangeError('no room')
        },
      },
      { name: 'files', mode: 'durable', retry: { maxAttempts: 3, firstDelayMs: 1 } },
    )
    await host.engine.start()
    await raise(host, 1)
    await raise(host, 2)
    await waitFor(async () => (await host.engine.stats()).handled === 1, 'the second event')
    const metrics = await telemetry.collect()
    expect(metrics.get('x_events.failed')).toEqual([{ attributes: failing('files', 'RangeError'), value: 3 }])
    expect(metrics.get('x_events.parked')).toEqual([{ attributes: of('files'), value: 1 }])
    expect(metrics.get('x_events.handling.duration')).toEqual([
      { attributes: failing('files', 'RangeError'), value: 3 },
      { attributes: of('files'), value: 1 },
    ])

    isFull = false
    await host.engine.subscriptions.resume('files')
    await waitFor(async () => (await host.engine.stats()).handled === 2, 'the resumed event')
    expect(await host.engine.stats()).toMatchObject({ raised: 2, handled: 2, failed: 3, parked: 1 })
  })

  it('counts the events of a batch once it is committed', async () => {
    await using host = await open()
    let calls = 0
    await host.engine.subscribe(
      {
        entitiesChanged() {
          calls += 1
          if (calls === 1) throw new Error('not yet')
        },
      },
      { name: 'batch', mode: 'durable', from: 'start', batchSize: 3 },
    )
    await Promise.all([1, 2, 3].map((entityId) => raise(host, entityId)))
    await host.engine.start()
    await waitFor(async () => (await host.engine.stats()).handled === 3, 'all events')
    // The batch failed as one; afterwards its events came one by one.
    expect({ calls, ...(await host.engine.stats()) }).toMatchObject({ calls: 4, failed: 1, parked: 0 })
    const metrics = await telemetry.collect()
    expect(metrics.get('x_events.handling.delay')).toEqual([{ attributes: of('batch'), value: 3 }])
  })

  it('offers lag and parked events of each durable subscription', async () => {
    await using host = await open()
    await host.engine.subscribe({ entityChanged() {} }, { name: 'files', mode: 'durable' })
    await host.engine.start()
    await host.engine.subscriptions.pause('files')
    await waitFor(
      async () => (await host.engine.stats()).subscriptions[0]?.leasedBy === undefined,
      'the pause',
    )
    await raise(host, 1)
    await raise(host, 2)
    const metrics = await telemetry.collect()
    expect(metrics.get('x_events.subscription.lag.events')).toEqual([{ attributes: of('files'), value: 2 }])
    expect(metrics.get('x_events.subscription.lag.time')).toMatchObject([{ attributes: of('files') }])
    expect(metrics.get('x_events.subscription.parked')).toEqual([{ attributes: of('files'), value: 0 }])
  })

  it('keeps the names of actions that it tells apart to a hundred', async () => {
    await using host = await open()
    for (let number = 0; number < 120; number++) await raise(host, 1, `Action${number}`)
    const raised = (await telemetry.collect()).get('x_events.raised') ?? []
    expect(raised).toHaveLength(101)
    expect(raised.find(({ attributes }) => attributes['x_events.action'] === '_OTHER')?.value).toBe(20)
  })

  it('reaches an SDK that is registered after the engine was created', async () => {
    await telemetry[Symbol.asyncDispose]()
    await using host = await open()
    await host.engine.start()
    await raise(host)
    telemetry = recordTelemetry()
    await raise(host)
    expect((await telemetry.collect()).get('x_events.raised')).toMatchObject([{ value: 1 }])
    expect(await host.engine.stats()).toMatchObject({ raised: 2 })
  })

  it('measures lag when the SDK asks and the engine runs, and only warns when it cannot', async () => {
    const warning = 'The lag of subscriptions could not be measured'
    const logger = recordingLogger()
    await using host = await open({ logger })
    await host.engine.start()
    await host.db.schema.dropTable('xe_subscription').execute()
    expect(logger.messages).not.toContain(warning)
    await telemetry.collect()
    expect(logger.messages.filter((message) => message === warning)).toHaveLength(1)
    await host.engine.stop()
    await telemetry.collect()
    expect(logger.messages.filter((message) => message === warning)).toHaveLength(1)
  })
})
