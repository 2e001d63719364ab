import { waitFor } from '@x/testkit'
import { describe, expect, it } from 'vitest'
import { createSyncClient, type SyncClientOptions } from '../src/index.ts'
import { shareTabs } from '../src/tabs.ts'
import { type StreamServer, streamServer } from './stream-server.ts'
import { type ObservedClock, observedClock } from './sync-server.ts'

// Node has what browsers have, and clients of one process stand for tabs; a real browser's are in the
// tests of the reference host.
const hasLocks = globalThis.navigator?.locks !== undefined
if (!hasLocks)
  process.stderr.write(
    '\n*** Tabs that share a connection were NOT TESTED: this Node.js has no Web Locks. ***\n\n',
  )

function openTab(server: StreamServer, options: Partial<SyncClientOptions> = {}) {
  const client = createSyncClient({ url: server.url, retryBaseMs: 5, tabs: shareTabs(), ...options })
  const heard: string[] = []
  client.on('entityChanged', ({ id }) => heard.push(id))
  client.start()
  return Object.assign(client, { heard })
}

const live = (...tabs: { readonly state: string }[]) =>
  waitFor(() => tabs.every(({ state }) => state === 'live'), 'all tabs to be live')

describe.skipIf(!hasLocks)('tabs', () => {
  it('have one connection, and each hears everything once', async () => {
    await using server = await streamServer()
    await using one = openTab(server)
    await using two = openTab(server)
    await using three = openTab(server)
    await live(one, two, three)
    const ids = [server.raise(), server.raise()].map(({ id }) => id)
    await waitFor(() => [one, two, three].every(({ heard }) => heard.length === 2), 'both events')
    for (const { heard } of [one, two, three]) expect(heard).toEqual(ids)
    expect(server.asked).toHaveLength(1)
  })

  it('take over from one another without a gap or a repeat', async () => {
    await using server = await streamServer()
    const tabs = [openTab(server)]
    await live(...tabs)
    for (let count = 1; count < 4; count += 1) tabs.push(openTab(server))
    await live(...tabs)
    const ids: string[] = []
    for (let count = 0; count < 3; count += 1) {
      ids.push(server.raise().id)
      await waitFor(() => tabs.every(({ heard }) => heard.length === ids.length), 'the event')
      // The one that leads is the first that asked.
      await tabs.shift()?.stop()
      ids.push(server.raise().id)
      await waitFor(
        () => tabs.every(({ heard }) => heard.length === ids.length),
        'the event of the time between',
      )
      expect(server.streams).toHaveLength(1)
    }
    expect(tabs[0]?.heard).toEqual(ids)
    await tabs[0]?.stop()
    await waitFor(() => server.streams.length === 0, 'the last stream to be closed')
  })

  it('that come later with a state of their own are told what they missed', async () => {
    await using server = await streamServer()
    await using first = openTab(server)
    await live(first)
    const lastSyncDate = new Date()
    const missed = server.raise()
    await waitFor(() => first.heard.length === 1, 'the event')
    await using later = openTab(server, { lastSyncDate })
    await using fresh = openTab(server)
    await live(later, fresh)
    await waitFor(() => later.heard.length === 1, 'what it missed')
    const next = server.raise()
    await waitFor(() => [first, later, fresh].every(({ heard }) => heard.at(-1) === next.id), 'the next')
    expect(later.heard).toEqual([missed.id, next.id])
    expect(fresh.heard).toEqual([next.id])
    await waitFor(() => server.streams.length === 1, 'one stream')
  })

  it('go on where they were after a stop', async () => {
    await using server = await streamServer()
    await using first = openTab(server)
    await live(first)
    await using second = openTab(server)
    await live(second)
    await second.stop()
    const missed = server.raise()
    await waitFor(() => first.heard.length === 1, 'the event')
    second.start()
    await waitFor(() => second.heard.length === 1, 'what it missed')
    const next = server.raise()
    await waitFor(() => second.heard.length === 2, 'the next')
    expect(second.heard).toEqual([missed.id, next.id])
  })

  it('take the lead from one that is frozen, which finds its place again', async () => {
    await using server = await streamServer()
    const clocks: ObservedClock[] = [observedClock(), observedClock()]
    const tab = (index: number) => openTab(server, { clock: clocks[index], silenceMs: 1_000_000 })
    await using frozen = tab(0)
    await live(frozen)
    await using other = tab(1)
    await live(other)
    const before = server.raise()
    await waitFor(() => frozen.heard.length === 1 && other.heard.length === 1, 'the event')
    // Of the first, nothing is heard for long: its timers do not fire, and no event comes.
    await waitFor(async () => {
      await clocks[1]?.advance(20_000)
      return server.asked.length === 2
    }, 'the second to connect')
    await live(frozen, other)
    await waitFor(() => server.streams.length === 1, 'one stream to be left')
    const after = server.raise()
    await waitFor(() => frozen.heard.length === 2 && other.heard.length === 2, 'the next event')
    for (const { heard } of [frozen, other]) expect(heard).toEqual([before.id, after.id])
    await other.stop()
    const last = server.raise()
    await waitFor(() => frozen.heard.at(-1) === last.id, 'the first to lead again')
    expect(frozen.heard).toHaveLength(3)
  })

  it('poll by one of them where there is no stream', async () => {
    await using server = await streamServer()
    server.misbehave((_request, response) => void response.writeHead(404).end())
    await using one = openTab(server, { pollIntervalMs: 20 })
    await waitFor(() => one.state === 'polling', 'the first to poll')
    await using two = openTab(server, { pollIntervalMs: 20 })
    await waitFor(() => two.state === 'polling', 'the second to follow')
    const ids = [server.raise().id]
    await waitFor(() => one.heard.length === 1 && two.heard.length === 1, 'the event')
    await one.stop()
    await waitFor(() => two.state === 'polling', 'the second to lead')
    ids.push(server.raise().id)
    await waitFor(() => two.heard.length === 2, 'the next event')
    expect(two.heard).toEqual(ids)
  })

  it('have connections of their own where they are of different groups, or sites', async () => {
    await using server = await streamServer()
    await using ada = openTab(server, { tabs: shareTabs({ group: 'ada' }) })
    await using bob = openTab(server, { tabs: shareTabs({ group: 'bob' }) })
    await using site = openTab(server, { siteKey: '1:7' })
    await live(ada, bob, site)
    expect(server.streams).toHaveLength(3)
  })
})

it('has a connection of its own where there are no locks', async () => {
  await using server = await streamServer()
  const { navigator } = globalThis
  Reflect.deleteProperty(globalThis, 'navigator')
  try {
    await using one = openTab(server)
    await using two = openTab(server)
    await live(one, two)
    expect(server.streams).toHaveLength(2)
  } finally {
    Object.defineProperty(globalThis, 'navigator', { value: navigator, configurable: true, writable: true })
  }
})
