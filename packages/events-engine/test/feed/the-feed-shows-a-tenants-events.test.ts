import { ALL_SITES, ALL_TENANTS, EntityNames } from '@x/events-core'
import { waitFor } from '@x/testkit'
import { expect, it } from 'vitest'
import type { FeedItem, FeedOptions } from '../../src/index.ts'
import { onEachDatabase } from '../open-engine.ts'

onEachDatabase((open) => {
  type Host = Awaited<ReturnType<typeof open>>

  const raise = (host: Host, entityId: number, tenantId = 1, action = 'Update') =>
    host.engine.syncManager.addSyncEvent({ tenantId, siteId: ALL_SITES }, EntityNames.Page, entityId, action)

  /** Follows a feed in the background. */
  function follow(host: Host, options: Partial<FeedOptions> = {}) {
    const ending = new AbortController()
    const items: FeedItem[] = []
    const ended = (async () => {
      const feed = host.engine.feed({ tenantId: 1, ...options, signal: ending.signal })
      for await (const item of feed) items.push(item)
    })()
    const ids = () => items.map(({ event }) => event.entityId)
    return {
      items,
      ids,
      async [Symbol.asyncDispose]() {
        ending.abort()
        await ended
      },
    }
  }

  /** A feed from now on tells nothing until it listens: raises until the first event comes through. */
  async function untilLive(host: Host, ...feeds: ReturnType<typeof follow>[]) {
    await waitFor(async () => {
      await raise(host, 0)
      return feeds.every(({ items }) => items.length > 0)
    }, 'the feed to be live')
  }

  it('tells of what is committed, to the tenant concerned, and to all when all are', async () => {
    await using host = await open()
    await host.engine.start()
    await using one = follow(host, { tenantId: 1, filter: '*.Update' })
    await using two = follow(host, { tenantId: 2, after: await firstPosition(host) })
    await untilLive(host, one)
    await raise(host, 1)
    await raise(host, 2, 2)
    await raise(host, 3, 1, 'Delete')
    await raise(host, 4, ALL_TENANTS)
    const without0 = (ids: readonly (string | number)[]) => ids.filter((id) => id !== 0)
    await waitFor(() => one.ids().includes(4) && two.ids().includes(4), 'the last event')
    expect(without0(one.ids())).toEqual([1, 4])
    expect(without0(two.ids())).toEqual([2, 4])
  })

  it('ends for the one reader whose filter throws, and for no other', async () => {
    await using host = await open()
    await host.engine.start()
    const filter = ({ entityId }: { readonly entityId: unknown }) => {
      if (entityId === 1) throw new Error('not this one')
      return true
    }
    await using good = follow(host)
    const seen: unknown[] = []
    const bad = (async () => {
      for await (const { event } of host.engine.feed({ tenantId: 1, filter })) seen.push(event.entityId)
    })()
    const refused = expect(bad).rejects.toThrow('not this one')
    await waitFor(async () => {
      await raise(host, 0)
      return seen.length > 0 && good.items.length > 0
    }, 'both to be live')
    await raise(host, 1)
    await raise(host, 2)
    await refused
    await waitFor(() => good.ids().includes(2), 'the events behind it')
    const ids = good.items.map(({ event }) => event.id)
    expect(new Set(ids).size).toBe(ids.length)
  })

  it('goes on behind the position of any event it has given out, without a gap or a repeat', async () => {
    await using host = await open()
    await host.engine.start()
    const start = await firstPosition(host)
    await using whole = follow(host, { after: start })
    for (let id = 1; id <= 30; id++) await raise(host, id)
    await waitFor(() => whole.items.length === 30, 'all events')
    for (const cut of [0, 7, 29]) {
      await using rest = follow(host, { after: whole.items[cut]?.position })
      await waitFor(() => rest.items.length >= 29 - cut, 'the rest')
      expect(rest.ids()).toEqual(whole.ids().slice(cut + 1))
    }
    await raise(host, 31)
    await waitFor(() => whole.items.length === 31, 'the next event')
    expect(whole.ids()).toEqual(Array.from({ length: 31 }, (_, index) => index + 1))
  })

  it('gives every reader every event, also while they join and raisers race', async () => {
    await using host = await open()
    await host.engine.start()
    const start = await firstPosition(host)
    const raising = Promise.all(Array.from({ length: 300 }, (_, index) => raise(host, index)))
    const readers = Array.from({ length: 10 }, () => follow(host, { after: start }))
    const raised = (await raising).map(({ id }) => id).sort()
    await waitFor(() => readers.every(({ items }) => items.length >= 300), 'every reader to have every event')
    for (const { items } of readers) expect(items.map(({ event }) => event.id).sort()).toEqual(raised)
    await Promise.all(readers.map((reader) => reader[Symbol.asyncDispose]()))
  })

  it('sends a reader that does not keep up back to the log, where it misses nothing', async () => {
    await using host = await open()
    await host.engine.start()
    const ending = new AbortController()
    const feed = host.engine.feed({ tenantId: 1, after: await firstPosition(host), signal: ending.signal })
    const reader = feed[Symbol.asyncIterator]()
    await raise(host, 0)
    const ids = [(await reader.next()).value?.event.entityId]
    // The reader has caught up: it listens by the time that the next one is asked for.
    const second = reader.next()
    await raise(host, 1)
    ids.push((await second).value?.event.entityId)
    for (let from = 2; from < 1_002; from += 100) {
      await Promise.all(Array.from({ length: 100 }, (_, index) => raise(host, from + index)))
    }
    while (ids.length < 1_002) ids.push((await reader.next()).value?.event.entityId)
    expect(new Set(ids).size).toBe(1_002)
    ending.abort()
    expect((await reader.next()).done).toBe(true)
  })

  it('ends when the engine stops', async () => {
    await using host = await open()
    await host.engine.start()
    const feed = host.engine.feed({ tenantId: 1 })[Symbol.asyncIterator]()
    const next = feed.next()
    await host.engine.stop()
    expect((await next).done).toBe(true)
  })

  it('refuses a position, a tenant or a filter that is none', async () => {
    await using host = await open()
    const open1 = (options: Partial<FeedOptions>) => () => host.engine.feed({ tenantId: 1, ...options })
    expect(open1({ after: 'yesterday' })).toThrow('is no position')
    expect(open1({ tenantId: 1.5 })).toThrow('tenantId must be an integer')
    expect(open1({ filter: 'Pa*' })).toThrow('event types or patterns')
  })

  /** The position before everything that a test raises. */
  async function firstPosition(host: Host) {
    await host.engine.subscribe({ entityChanged() {} }, { name: 'position', mode: 'durable' })
    const info = (await host.engine.subscriptions.list()).find(({ name }) => name === 'position')
    return info?.position
  }
})
