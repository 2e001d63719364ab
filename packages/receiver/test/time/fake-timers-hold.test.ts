import { systemClock } from '@x/events-core'
import { createSyncVerifier } from '@x/signature'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { createReceiver, memoryReplayStore, Webhook } from '../../src/index.ts'
import { fakeClock, signedHeaders, signedRequest } from '../../src/testing.ts'
import { payloadOf, secret } from '../messages.ts'

const YEARS_AHEAD = new Date('2042-01-01T00:00:00Z')
const body = JSON.stringify(payloadOf('File.Create'))
const post = (id?: string) => signedRequest({ secret, id, body })

// Made with the real time, as those of a module under test that is loaded first.
const replayStore = memoryReplayStore({ ttlSeconds: 60 })
const early = createReceiver({ secrets: secret, replayStore, handlerTimeoutMs: 5_000 })
const earlyVerifier = createSyncVerifier({ secrets: secret })
const earlyWebhook = new Webhook(secret)

beforeEach(() => {
  vi.useFakeTimers({ now: YEARS_AHEAD })
})
afterEach(() => {
  vi.useRealTimers()
})

it('is the time of receivers that were made before it was faked, and after', async () => {
  const late = createReceiver({ secrets: secret })
  for (const receiver of [early, late]) {
    expect((await receiver.handle(post())).status).toBe(204)
    const old = post()
    vi.advanceTimersByTime(301_000)
    expect((await receiver.handle(old)).status).toBe(401)
  }
})

it('is the time of verifiers and of the drop-in class', () => {
  const headers = signedHeaders({ secret, body })
  for (const verifier of [earlyVerifier, createSyncVerifier({ secrets: secret })]) {
    expect(verifier.verify(body, headers).timestamp).toBe(YEARS_AHEAD.getTime() / 1000)
  }
  expect(earlyWebhook.verify(body, headers)).toMatchObject({ type: 'File.Create' })
})

it('is the time by which a replay store forgets', async () => {
  expect((await early.handle(post('evt_1'))).status).toBe(204)
  expect((await early.handle(post('evt_1'))).status).toBe(200)
  vi.advanceTimersByTime(61_000)
  expect((await early.handle(post('evt_1'))).status).toBe(204)
})

it('is the time after which a handler has taken too long', async () => {
  let aborted = false
  const end = early.on('File.Create', async (_event, { signal }) => {
    vi.advanceTimersByTime(4_999)
    expect(signal.aborted).toBe(false)
    vi.advanceTimersByTime(1)
    aborted = signal.aborted
  })
  await early.handle(post())
  end()
  expect(aborted).toBe(true)
})

it('is the time of the system clock and of its timers', () => {
  const calls: number[] = []
  systemClock.schedule(() => calls.push(systemClock.now() - YEARS_AHEAD.getTime()), 1_000)
  systemClock.schedule(() => calls.push(-1), 500)()
  vi.advanceTimersByTime(1_000)
  expect(calls).toEqual([1_000])
  expect(fakeClock().now()).toBe(YEARS_AHEAD.getTime() + 1_000)
})
