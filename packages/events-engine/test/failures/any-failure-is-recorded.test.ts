import { EntityNames, type Logger, type SyncEvent } from '@x/events-core'
import { hostileErrors, waitFor } from '@x/testkit'
import { CompiledQuery } from 'kysely'
import { expect, it } from 'vitest'
import type { EventSubscriber } from '../../src/index.ts'
import { storableText, thrownText } from '../../src/internal.ts'
import { type HostTables, type OpenEngine, onEachDatabase, site } from '../open-engine.ts'

const quick = { maxAttempts: 2, firstDelayMs: 0, maxDelayMs: 0 }
const raise = (host: OpenEngine, id: number) =>
  host.engine.syncManager.addSyncEvent(site, EntityNames.File, id, 'Download')

/** Reads of an error whatever there is, as a host's logger may. */
const readingLogger = (): Logger => {
  const read = (details: object) => {
    const { err } = details as { err?: Error }
    if (err !== undefined)
      JSON.stringify({ ...err, message: err?.message, stack: err?.stack, cause: `${err?.cause}` })
  }
  return { debug: read, info: read, warn: read, error: read }
}

it.each(hostileErrors)('makes a text that can be stored of %s', (_what, make, kept) => {
  const text = thrownText(make())
  expect(text).toContain(kept)
  expect(text.length).toBeLessThanOrEqual(4_000)
  expect(storableText(text)).toBe(text)
})

onEachDatabase((open) => {
  it('parks an event whatever its subscriber throws, and goes on with the next', async () => {
    await using host = await open({ logger: readingLogger() })
    const seen: unknown[] = []
    await host.engine.subscribe(
      {
        entityChanged({ entityId }) {
          const hostile = hostileErrors[Number(entityId)]
          if (hostile) throw hostile[1]()
          seen.push(entityId)
        },
      },
      { name: 'files', mode: 'durable', retry: quick },
    )
    await host.engine.start()
    for (let id = 0; id <= hostileErrors.length; id++) await raise(host, id)
    await waitFor(() => seen.length === 1, 'the event behind them')
    const parked = await host.engine.subscriptions.parked('files')
    expect(parked.map(({ event, attempts }) => [event.entityId, attempts])).toEqual(
      hostileErrors.map((_, id) => [id, 2]),
    )
    for (const [id, { error }] of parked.entries()) expect(error).toContain(hostileErrors[id]?.[2])
  })

  const failing = (call: () => void): readonly (readonly [string, EventSubscriber<HostTables>, object])[] => [
    ['by keys', { entityChanged: call }, { concurrency: 4, orderBy: 'entity' }],
    ['in batches', { entitiesChanged: call }, {}],
    ['while a batch is prepared', { prepare: call, entitiesChanged() {} }, {}],
    ['in its filter', { entityChanged() {} }, { filter: () => void call() }],
    ['in the filter of batches', { entitiesChanged() {} }, { filter: () => void call() }],
    ['in its key', { entityChanged() {} }, { concurrency: 4, orderBy: () => void call() }],
  ]
  const nameOf = ([name]: readonly [string, ...unknown[]]) => name

  it.each(failing(() => {}).map(nameOf))('parks an event that fails with a NUL %s', async (name) => {
    await using host = await open()
    let isBroken = true
    const call = () => {
      if (isBroken) JSON.parse('\0')
    }
    const [, subscriber, options] = failing(call).find((one) => one[0] === name) as ReturnType<
      typeof failing
    >[0]
    const subscribeOptions = { name: 'files', mode: 'durable', retry: quick, ...options } as const
    await host.engine.subscribe(subscriber, subscribeOptions)
    await host.engine.start()
    const events = [await raise(host, 1), await raise(host, 2)]
    const parked = await waitFor(async () => {
      const found = await host.engine.subscriptions.parked('files')
      return found.length === 2 && found
    }, 'both to be parked')
    expect(parked.map(({ event }) => event)).toEqual(expect.arrayContaining(events))
    expect(parked[0]?.error).toContain('SyntaxError')

    // While it is still broken. A subscriber whose filter is not called again for a resumed event handles it at once.
    await host.engine.subscriptions.resume('files', events[0]?.id)
    await waitFor(async () => {
      const all = await host.engine.subscriptions.parked('files')
      const resumed = all.find(({ event }) => event.id === events[0]?.id)
      return resumed === undefined || resumed.attempts === 3
    }, 'another try of the resumed one')
    isBroken = false
    await host.engine.subscriptions.resume('files')
    await waitFor(
      async () => (await host.engine.subscriptions.parked('files')).length === 0,
      'both to be handled',
    )
  })

  it('blocks with a text that can be stored, and remembers failed tries', async () => {
    await using host = await open()
    await host.engine.subscribe(
      { entityChanged: () => JSON.parse('\0') },
      { name: 'files', mode: 'durable', retry: quick, onExhausted: 'block' },
    )
    await host.engine.start()
    await raise(host, 1)
    const blocked = await waitFor(async () => {
      const [found] = await host.engine.subscriptions.list()
      return found?.state === 'blocked' && found
    }, 'the block')
    expect(blocked).toMatchObject({ failedAttempts: 2, lastError: expect.stringContaining('SyntaxError') })
  })

  it('keeps telling broadcasts whatever one of them or its filter throws', async () => {
    await using host = await open({ logger: readingLogger() })
    const seen: unknown[] = []
    let count = 0
    const hostile = () => {
      throw hostileErrors[count++ % hostileErrors.length]?.[1]()
    }
    await host.engine.subscribe({ entityChanged: hostile }, { name: 'a', mode: 'broadcast' })
    await host.engine.subscribe({ entityChanged() {} }, { name: 'b', mode: 'broadcast', filter: hostile })
    const listener = ({ entityId }: SyncEvent) => void seen.push(entityId)
    host.engine.syncManager.on('entityChanged', hostile).on('entityChanged', listener)
    await host.engine.start()
    for (let id = 0; id < hostileErrors.length; id++) await raise(host, id)
    await waitFor(() => seen.length === hostileErrors.length, 'all events')
    await waitFor(() => count === 3 * hostileErrors.length, 'each to be called for each, once')
  })

  it('records a failure without its text where the database refuses that', async () => {
    await using host = await open()
    const condition = "new.error like '%poison%'"
    const statements =
      host.engine.dialect === 'sqlite'
        ? [
            `create trigger refuse before insert on xe_parked_event when ${condition}
          begin select raise(abort, 'refused by the test'); end`,
          ]
        : [
            `create function refuse() returns trigger language plpgsql as $$ begin raise exception 'refused'; end $$`,
            `create trigger refuse before insert on xe_parked_event for each row when (${condition}) execute function refuse()`,
          ]
    for (const statement of statements) await host.db.executeQuery(CompiledQuery.raw(statement))
    await host.engine.subscribe(
      {
        entityChanged() {
          throw new Error('poison')
        },
      },
      { name: 'files', mode: 'durable', retry: quick },
    )
    await host.engine.start()
    await raise(host, 1)
    const [parked] = await waitFor(async () => {
      const found = await host.engine.subscriptions.parked('files')
      return found.length === 1 && found
    }, 'the event to be parked')
    expect(parked).toMatchObject({ attempts: 2, error: expect.stringContaining('could not be stored') })
  })
})
