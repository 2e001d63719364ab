import { waitFor } from '@x/testkit'
import { expect, it } from 'vitest'
import { createSyncClient } from '../src/index.ts'
import { eventJson, observedClock, syncServer } from './sync-server.ts'

/** Holds answers back until told, and counts the requests that are open at once. */
function gate(server: Awaited<ReturnType<typeof syncServer>>) {
  const waiting: (() => void)[] = []
  let open = 0
  let mostOpen = 0
  server.misbehave(async () => {
    open += 1
    mostOpen = Math.max(mostOpen, open)
    await new Promise<void>((resolve) => waiting.push(resolve))
    open -= 1
    return {
      status: 200,
      body: JSON.stringify({ syncDate: server.now.toISOString(), syncEvents: server.events }),
    }
  })
  return { release: () => waiting.shift()?.(), mostOpen: () => mostOpen }
}

it('shares one further request among all who poll while one is under way', async () => {
  await using server = await syncServer()
  const { release, mostOpen } = gate(server)
  const lastSyncDate = new Date('2026-11-24T07:00:00.000Z')
  await using client = createSyncClient({
    transport: 'polling',
    url: server.url,
    lastSyncDate,
    clock: observedClock(),
  })
  const heard: string[] = []
  client.on('refresh', (event) => heard.push(event.id))
  client.start()
  await server.received(1)
  release()
  // Raised after the first question: a poll from now on must see it.
  const polls = [client.poll(), client.poll()]
  await server.received(2)
  server.events.push(eventJson())
  polls.push(client.poll())
  release()
  expect(await polls[0]).toBe(true)
  await server.received(3)
  release()
  expect(await Promise.all(polls)).toEqual([true, true, true])
  expect(server.requests).toHaveLength(3)
  expect(mostOpen()).toBe(1)
  expect(heard).toHaveLength(1)
})

it('ends the request under way when it is stopped, and calls it no failure', async () => {
  await using server = await syncServer()
  let isClosed = false
  gate(server)
  const client = createSyncClient({
    transport: 'polling',
    url: server.url,
    clock: observedClock(),
    fetch: (url, init) => {
      init.signal.addEventListener('abort', () => {
        isClosed = true
      })
      return fetch(url, init)
    },
  })
  const errors: unknown[] = []
  client.on('error', (error) => errors.push(error))
  client.start()
  const polled = client.poll()
  await server.received(1)
  await client.stop()
  expect(await polled).toBe(false)
  expect(isClosed).toBe(true)
  expect(errors).toEqual([])
  expect(client.state).toBe('idle')
})

it('starts and stops as often as it is told, and does it once', async () => {
  await using server = await syncServer()
  const clock = observedClock()
  const client = createSyncClient({ transport: 'polling', url: server.url, clock, pollIntervalMs: 5_000 })
  client.start()
  client.start()
  await clock.scheduled(5_000)
  await Promise.all([client.stop(), client.stop()])
  await client.stop()
  await clock.advance(60_000)
  expect(server.requests).toHaveLength(1)
})

it('follows after a restart that comes before the stop is through', async () => {
  await using server = await syncServer()
  gate(server)
  await using client = createSyncClient({ transport: 'polling', url: server.url, clock: observedClock() })
  client.start()
  await server.received(1)
  const polled = client.poll()
  const stopped = client.stop()
  server.misbehave()
  client.start()
  await stopped
  await waitFor(() => client.state === 'polling', 'polling')
  expect(await polled).toBe(false)
  expect(server.requests).toHaveLength(2)
})

it('stops at the end of the block that it is used in', async () => {
  await using server = await syncServer()
  const statuses: string[] = []
  {
    await using client = createSyncClient({ transport: 'polling', url: server.url, clock: observedClock() })
    client.on('state', ({ state }) => statuses.push(state))
    client.start()
    await waitFor(() => client.state === 'polling', 'polling')
  }
  expect(statuses).toEqual(['connecting', 'polling', 'idle'])
})

it('does not start when a listener stops it at once', async () => {
  await using server = await syncServer()
  const client = createSyncClient({ transport: 'polling', url: server.url, clock: observedClock() })
  client.on('state', ({ state }) => (state === 'connecting' ? client.stop() : undefined))
  client.start()
  await client.stop()
  expect(client.state).toBe('idle')
})

it('stays idle when it is only polled', async () => {
  await using server = await syncServer()
  const clock = observedClock()
  const client = createSyncClient({ transport: 'polling', url: server.url, clock, pollIntervalMs: 5_000 })
  const changes: unknown[] = []
  client.on('state', (change) => changes.push(change))
  await client.poll()
  expect(changes).toEqual([])
  expect(client.state).toBe('idle')
  expect(clock.delays).not.toContain(5_000)
})
