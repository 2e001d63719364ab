import type { IncomingMessage } from 'node:http'
import { waitFor } from '@x/testkit'
import { describe, expect, it } from 'vitest'
import { createSeenIds } from '../src/cursor.ts'
import { createSyncClient, type SyncClientOptions, type SyncTabs } from '../src/index.ts'
import { createTabTransport, type TabCursor, type TabMessage } from '../src/tabs/tab-transport.ts'
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

/** What tabs say to each other. */
function channelOf(server: StreamServer) {
  const channel = new BroadcastChannel(JSON.stringify(['@x/client', server.url, undefined, undefined, '']))
  const heard: string[] = []
  channel.onmessage = ({ data }: MessageEvent<{ type: string }>) => heard.push(data.type)
  return { heard, [Symbol.dispose]: () => channel.close() }
}

/** An event that only streams bring. */
const streamed = { entityName: 'Page', action: 'Update' }

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

  it.each([
    ['a position', undefined],
    ['a date', new Date()],
  ])('lose nothing behind %s where catching up has failed twice', async (_, lastSyncDate) => {
    await using server = await streamServer()
    await using first = openTab(server)
    await live(first)
    await using second = openTab(server)
    await live(second)
    await second.stop()
    server.raise(streamed)
    await waitFor(() => first.heard.length === 1, 'the event')
    let refused = 0
    server.misbehave((request) => {
      refused += 1
      if (refused === 2) server.misbehave()
      request.destroy()
    })
    await using later = lastSyncDate ? openTab(server, { lastSyncDate }) : second
    later.start()
    await waitFor(() => {
      server.raise(streamed)
      return refused > 0 && later.heard.length > 0
    }, 'the rest')
    const last = server.raise(streamed)
    await waitFor(() => [first, later].every(({ heard }) => heard.at(-1) === last.id), 'the last event')
    expect(later.heard).toEqual(first.heard)
  })

  it.each([1, 1_500])(
    'hear %d events that come while they catch up after what they missed',
    async (count) => {
      await using server = await streamServer()
      await using first = openTab(server)
      await live(first)
      await using second = openTab(server)
      await live(second)
      await second.stop()
      server.raise()
      await waitFor(() => first.heard.length === 1, 'the event')
      server.isSilent = true
      second.start()
      await waitFor(() => server.streams.length === 2, 'the second to catch up')
      server.isSilent = false
      const [catchingUp] = server.streams.splice(1)
      for (let raised = 0; raised < count; raised += 1) server.raise(streamed)
      await waitFor(() => first.heard.length === count + 1, 'the events meanwhile')
      const synced = JSON.stringify({ syncDate: new Date() })
      catchingUp?.write(`${server.frame(1)}event: synced\nid: 1\ndata: ${synced}\n\n`)
      await waitFor(() => second.heard.includes(first.heard[0] ?? ''), 'what it missed')
      const last = server.raise()
      await waitFor(() => [first, second].every(({ heard }) => heard.at(-1) === last.id), 'the last event')
      expect(second.heard).toEqual(first.heard)
    },
  )

  it.each(['position', 'date'])('keep their %s while the one that leads has none', async (what) => {
    await using server = await streamServer()
    await using before = openTab(server)
    await live(before)
    await before.stop()
    const lastSyncDate = new Date()
    const missed = server.raise(streamed)
    const held: IncomingMessage[] = []
    server.misbehave((request) => void held.push(request))
    await using leader = openTab(server)
    await waitFor(() => held.length === 1, 'the leader to ask')
    using channel = channelOf(server)
    await using later = what === 'date' ? openTab(server, { lastSyncDate }) : before
    later.start()
    await waitFor(() => channel.heard.includes('state'), 'the leader to say that it has none')
    server.misbehave()
    for (const request of held) request.destroy()
    await waitFor(() => later.heard.length === 1, 'what it missed')
    const next = server.raise(streamed)
    await waitFor(() => [leader, later].every(({ heard }) => heard.at(-1) === next.id), 'the next event')
    expect(leader.heard).toEqual([next.id])
    expect(later.heard).toEqual([missed.id, next.id])
  })

  it('remember no more ids than one that has a connection', async () => {
    await using server = await streamServer()
    await using first = openTab(server)
    await live(first)
    const seen = createSeenIds(2)
    const tabs: SyncTabs = {
      share: (connection) => shareTabs().share({ ...connection, cursor: { ...connection.cursor, seen } }),
    }
    await using second = openTab(server, { tabs })
    await live(second)
    const ids = [server.raise(), server.raise(), server.raise()].map(({ id }) => id)
    await waitFor(() => second.heard.length === 3, 'the events')
    expect(ids.map((id) => seen.add(id))).toEqual([true, false, false])
  })

  it('open no stream because one of them has polled by hand', async () => {
    await using server = await streamServer()
    await using first = openTab(server)
    await live(first)
    await using second = openTab(server)
    await live(second)
    for (let count = 0; count < 3; count += 1) {
      server.raise()
      expect(await second.poll()).toBe(true)
      const next = server.raise()
      await waitFor(() => [first, second].every(({ heard }) => heard.at(-1) === next.id), 'the next event')
    }
    expect(second.heard).toEqual(first.heard)
    expect(server.asked).toHaveLength(1)
  })

  it('open no stream where they are to poll only', async () => {
    await using server = await streamServer()
    const polling = { transport: 'polling', pollIntervalMs: 20 } as const
    const lastSyncDate = new Date()
    const missed = server.raise()
    await using first = openTab(server, polling)
    await waitFor(() => first.state === 'polling', 'the first to poll')
    await using second = openTab(server, { ...polling, lastSyncDate })
    await waitFor(() => second.heard.length === 1, 'what it missed')
    await second.poll()
    const polls = server.polls.length
    await waitFor(() => server.polls.length > polls + 2, 'some polls')
    const next = server.raise()
    await waitFor(() => second.heard.length === 2, 'the next')
    expect(second.heard).toEqual([missed.id, next.id])
    expect(server.asked).toEqual([])
  })

  it('lose nothing of before the first poll of the leader, which has had no stream yet', async () => {
    await using server = await streamServer()
    server.misbehave((request) => request.destroy())
    const options = { retryBaseMs: 1, pollIntervalMs: 5, streamRetryMs: 50 }
    const lastSyncDate = new Date()
    const missed = server.raise(streamed)
    await waitFor(() => Date.now() > Date.parse(missed.modifiedOn), 'another millisecond')
    await using first = openTab(server, options)
    await waitFor(() => first.state === 'polling', 'the first to poll')
    await using later = openTab(server, { ...options, lastSyncDate })
    const polled = server.raise()
    await waitFor(() => [first, later].every(({ heard }) => heard.length === 1), 'the event that was polled')
    server.misbehave()
    await live(first, later)
    const last = server.raise(streamed)
    await waitFor(() => [first, later].every(({ heard }) => heard.includes(last.id)), 'the last event')
    await waitFor(() => later.heard.length === 3, 'what the later one has missed')
    expect(first.heard).toEqual([polled.id, last.id])
    expect(later.heard).toEqual([polled.id, missed.id, last.id])
  })

  it('lose nothing that the leader tells before it has told where it is', async () => {
    await using server = await streamServer()
    const lastSyncDate = new Date()
    const held = {
      request: (_name: string, { signal }: LockOptions) =>
        new Promise((_, reject) => signal?.addEventListener('abort', reject)),
    } as unknown as LockManager
    await using client = openTab(server, {
      tabs: { share: (connection) => createTabTransport(connection, server.url, held) },
    })
    const leader = new BroadcastChannel(server.url)
    try {
      const from: TabCursor = { position: '0', lastSyncDate, streamSince: lastSyncDate }
      leader.postMessage({ type: 'state', mode: 'live', at: from } satisfies TabMessage)
      await live(client)
      void client.stop()
      client.start()
      const raised = server.raise()
      const event = { ...raised, modifiedOn: new Date(raised.modifiedOn) }
      leader.postMessage({ type: 'event', event } satisfies TabMessage)
      leader.postMessage({ type: 'moved', from, at: { ...from, position: '1' } } satisfies TabMessage)
      await waitFor(() => client.heard.length === 1, 'the event')
      expect(client.heard).toEqual([raised.id])
    } finally {
      leader.close()
    }
  })

  it('do not take the lead back as soon as they thaw', async () => {
    await using server = await streamServer()
    const clock = observedClock()
    let frozenForMs = 0
    const steals: unknown[] = []
    let take = (_reason: unknown) => {}
    const locks = {
      request(_name: string, { steal, signal }: LockOptions, lead: () => unknown) {
        steals.push(steal)
        if (steals.length === 1) lead()
        return new Promise((resolve, reject) => {
          take = reject
          if (signal) signal.addEventListener('abort', reject)
          else resolve(undefined)
        })
      },
    } as unknown as LockManager
    await using client = openTab(server, {
      clock: { schedule: clock.schedule, now: () => clock.now() + frozenForMs },
      tabs: { share: (connection) => createTabTransport(connection, server.url, locks) },
    })
    await live(client)
    frozenForMs = 200_000
    take(new Error('stolen'))
    await waitFor(() => steals.length === 2, 'the tab to queue again')
    await clock.advance(20_000)
    expect(steals).toEqual([undefined, undefined])
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
