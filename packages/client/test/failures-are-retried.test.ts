import { waitFor } from '@x/testkit'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fullJitter } from '../src/full-jitter.ts'
import { createSyncClient, type SyncClientError, type SyncClientStateChange } from '../src/index.ts'
import { retryAfterMs } from '../src/request.ts'
import { observedClock, syncServer } from './sync-server.ts'

const pollIntervalMs = 30_000
const requestTimeoutMs = 7_777

describe('a client that follows', () => {
  it('polls again an interval after each answer', async () => {
    await using server = await syncServer()
    const clock = observedClock()
    await using client = createSyncClient({ transport: 'polling', url: server.url, clock, pollIntervalMs })
    client.start()
    await clock.scheduled(pollIntervalMs)
    await clock.advance(pollIntervalMs - 1)
    expect(server.requests).toHaveLength(1)
    await clock.advance(1)
    await clock.scheduled(pollIntervalMs, 2)
    expect(server.requests).toHaveLength(2)
    expect(client.state).toBe('polling')
  })

  it('waits after a failure, tries again, and says so', async () => {
    await using server = await syncServer()
    const clock = observedClock()
    await using client = createSyncClient({
      transport: 'polling',
      url: server.url,
      clock,
      pollIntervalMs,
      retryBaseMs: 50,
    })
    const changes: SyncClientStateChange[] = []
    client.on('state', (change) => changes.push(change))
    server.misbehave(() => 500)
    client.start()
    await waitFor(() => client.state === 'waiting', 'waiting')
    const failed = changes.at(-1)
    expect(failed?.error?.code).toBe('http_status')
    expect(failed?.retryInMs).toBeLessThan(50)

    server.misbehave()
    await clock.advance(50)
    await waitFor(() => client.state === 'polling', 'polling')
    expect(changes.map(({ previous, state }) => `${previous} > ${state}`)).toEqual([
      'idle > connecting',
      'connecting > waiting',
      'waiting > connecting',
      'connecting > polling',
    ])
  })

  it('stays away as long as the server asks, also for polls by hand and across a restart', async () => {
    await using server = await syncServer()
    const clock = observedClock()
    await using client = createSyncClient({
      transport: 'polling',
      url: server.url,
      clock,
      pollIntervalMs,
      retryBaseMs: 1,
    })
    server.misbehave(() => ({ status: 503, headers: { 'retry-after': '120' } }))
    client.start()
    await clock.scheduled(120_000)
    expect(await client.poll()).toBe(false)
    await client.stop()
    await clock.advance(60_000)
    client.start()
    await clock.advance(59_999)
    expect(await client.poll()).toBe(false)
    expect(server.requests).toHaveLength(1)

    server.misbehave()
    await clock.advance(1)
    await waitFor(() => client.state === 'polling', 'polling')
    expect(server.requests).toHaveLength(2)
  })

  it('gives up a request that takes too long', async () => {
    await using server = await syncServer()
    const clock = observedClock()
    await using client = createSyncClient({ transport: 'polling', url: server.url, clock, requestTimeoutMs })
    const errors: SyncClientError[] = []
    client.on('error', (error) => errors.push(error))
    server.misbehave(() => new Promise(() => {}))
    client.start()
    await server.received(1)
    await clock.advance(requestTimeoutMs)
    await waitFor(() => client.state === 'waiting', 'waiting')
    expect(errors).toMatchObject([{ code: 'timeout', message: expect.stringContaining('7777') }])
  })

  it('gives up a request also when the fetch it was given does not listen', async () => {
    const clock = observedClock()
    await using client = createSyncClient({
      transport: 'polling',
      url: 'http://127.0.0.1/never',
      clock,
      requestTimeoutMs,
      fetch: () => new Promise(() => {}),
    })
    client.start()
    await clock.scheduled(requestTimeoutMs)
    await clock.advance(requestTimeoutMs)
    expect(client.state).toBe('waiting')
  })
})

describe('the wait before a retry', () => {
  it('is never longer than a bound that doubles up to its maximum', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 5_000 }),
        fc.integer({ min: 1, max: 2_000 }),
        fc.integer({ min: 0, max: 600_000 }),
        fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        (failures, retryBaseMs, more, random) => {
          const bounds = { retryBaseMs, retryMaxMs: retryBaseMs + more }
          const wait = fullJitter(failures, bounds, () => random)
          expect(Number.isInteger(wait)).toBe(true)
          expect(wait).toBeGreaterThanOrEqual(0)
          expect(wait).toBeLessThanOrEqual(bounds.retryMaxMs)
          if (failures === 1) expect(wait).toBeLessThanOrEqual(retryBaseMs)
        },
      ),
    )
  })

  it('uses the whole range', () => {
    const bounds = { retryBaseMs: 1_000, retryMaxMs: 60_000 }
    expect(fullJitter(3, bounds, () => 0)).toBe(0)
    expect(fullJitter(3, bounds, () => 0.999_999)).toBe(3_999)
    expect(fullJitter(50, bounds, () => 0.999_999)).toBe(59_999)
  })

  it.each([
    [null, undefined],
    ['', undefined],
    ['soon', undefined],
    ['0', 0],
    [' 120 ', 120_000],
    ['99999999999999', 3_600_000],
    ['Tue, 24 Nov 2026 08:00:30 GMT', 30_000],
    ['Tue, 24 Nov 2026 07:00:00 GMT', 0],
  ])('reads Retry-After %j as %j', (header, expected) => {
    expect(retryAfterMs(header, Date.UTC(2026, 10, 24, 8))).toBe(expected)
  })
})
