import { waitFor } from '@x/testkit'
import { describe, expect, it } from 'vitest'
import { createSyncClient, type SyncClientError } from '../src/index.ts'
import { type Misbehaviour, streamServer } from './stream-server.ts'
import { observedClock } from './sync-server.ts'

const answers =
  (status: number, headers: Record<string, string> = {}, body = ''): Misbehaviour =>
  (_request, response) =>
    void response.writeHead(status, headers).end(body)

describe('where no stream is to be had', () => {
  it.each([
    ['404', answers(404)],
    ['501', answers(501)],
    ['204', answers(204)],
    ['a page', answers(200, { 'content-type': 'text/html' }, '<!doctype html>')],
    ['a problem', answers(200, { 'content-type': 'application/json' }, '{}')],
  ])('polls at once when the answer is %s', async (_, how) => {
    await using server = await streamServer()
    server.misbehave(how)
    await using client = createSyncClient({ url: server.url, pollIntervalMs: 10 })
    const heard: string[] = []
    client.on('refresh', ({ id }) => heard.push(id))
    client.start()
    await waitFor(() => client.state === 'polling', 'polling')
    const event = server.raise()
    await waitFor(() => heard.length > 0, 'the event')
    expect(heard).toEqual([event.id])
    expect(server.asked).toHaveLength(1)
  })

  it('polls after three failures, whatever they are, and takes a stream up again without a gap or a repeat', async () => {
    await using server = await streamServer()
    const options = { url: server.url, retryBaseMs: 1, pollIntervalMs: 5, streamRetryMs: 200 }
    await using client = createSyncClient(options)
    const heard: string[] = []
    const states: string[] = []
    client.on('entityChanged', ({ id }) => heard.push(id))
    client.on('state', ({ state }) => states.push(state))
    client.start()
    await waitFor(() => client.state === 'live', 'the first stream')
    const events = [server.raise()]
    await waitFor(() => heard.length === 1, 'the first event')

    server.misbehave((request) => request.destroy())
    server.streams[0]?.cut()
    await waitFor(() => client.state === 'polling', 'polling')
    events.push(server.raise())
    await waitFor(() => heard.length === 2, 'the event that was polled')

    server.misbehave()
    await waitFor(() => client.state === 'live', 'the stream')
    events.push(server.raise())
    await waitFor(() => heard.length === 3, 'the event that was streamed')
    expect(heard).toEqual(events.map(({ id }) => id))
    const polls = server.polls.length
    events.push(server.raise())
    await waitFor(() => heard.length === 4, 'one more')
    expect(server.polls.length).toBeLessThanOrEqual(polls + 1)
    expect(states.filter((state) => state === 'live')).toHaveLength(2)
  })
})

it('tells what it has polled no second time, however much comes before it in the stream', async () => {
  await using server = await streamServer()
  const options = { url: server.url, retryBaseMs: 1, pollIntervalMs: 5, streamRetryMs: 50 }
  await using client = createSyncClient(options)
  const heard: string[] = []
  client.on('entityChanged', ({ id }) => heard.push(id))
  client.start()
  await waitFor(() => client.state === 'live', 'the first stream')
  server.misbehave((request) => request.destroy())
  server.streams[0]?.cut()
  await waitFor(() => client.state === 'polling', 'polling')
  // The most that a host repeats before it asks for a reload instead.
  const streamed = Array.from({ length: 9_998 }, () => server.raise({ action: 'Update' }).id)
  const polled = server.raise().id
  await waitFor(() => heard.length === 1, 'the event that was polled')
  server.misbehave()
  await waitFor(() => client.state === 'live', 'the stream')
  const last = server.raise().id
  await waitFor(() => heard.at(-1) === last, 'the last event')
  expect(heard).toEqual([polled, ...streamed, last])
})

describe('before its first stream', () => {
  it('polls, and tells later what polls do not bring', async () => {
    await using server = await streamServer()
    server.misbehave((request) => request.destroy())
    const options = { url: server.url, retryBaseMs: 1, pollIntervalMs: 5, streamRetryMs: 50 }
    await using client = createSyncClient(options)
    const heard: string[] = []
    client.on('entityChanged', ({ id }) => heard.push(id))
    client.start()
    await waitFor(() => server.polls.length > 0 && client.state === 'polling', 'the first poll')
    const streamed = server.raise({ action: 'Update' }).id
    const polled = server.raise().id
    await waitFor(() => heard.length === 1, 'the event that was polled')
    const polls = server.polls.length
    await waitFor(() => server.polls.length > polls + 2, 'some polls')
    server.misbehave()
    await waitFor(() => client.state === 'live', 'the stream')
    const last = server.raise().id
    await waitFor(() => heard.at(-1) === last, 'the last event')
    expect(heard).toEqual([polled, streamed, last])
  })

  it('is polled by hand, and tells what came after the state that it was given', async () => {
    await using server = await streamServer()
    const lastSyncDate = new Date()
    const streamed = server.raise({ action: 'Update' }).id
    const polled = server.raise().id
    await using client = createSyncClient({ url: server.url, lastSyncDate })
    const heard: string[] = []
    client.on('entityChanged', ({ id }) => heard.push(id))
    expect(await client.poll()).toBe(true)
    expect(heard).toEqual([polled])
    client.start()
    await waitFor(() => client.state === 'live', 'the stream')
    expect(heard).toEqual([polled, streamed])
  })
})

describe('a server that asks to be left alone', () => {
  it.each([429, 503])(
    'is left alone after %d for as long as it says, whatever wakes the client',
    async (status) => {
      await using server = await streamServer()
      const clock = observedClock()
      server.misbehave(answers(status, { 'retry-after': '120' }))
      await using client = createSyncClient({ url: server.url, clock, retryBaseMs: 1 })
      client.start()
      await clock.scheduled(120_000)
      expect(client.state).toBe('waiting')
      server.misbehave()
      expect(await client.poll()).toBe(false)
      await clock.advance(119_999)
      expect(await client.poll()).toBe(false)
      expect(server.asked).toHaveLength(1)
      expect(server.polls).toEqual([])
      await clock.advance(1)
      await waitFor(() => client.state === 'live', 'the stream')
    },
  )

  it('is not polled sooner either where it has no stream', async () => {
    await using server = await streamServer()
    const clock = observedClock()
    server.misbehave(answers(404, { 'retry-after': '120' }))
    await using client = createSyncClient({ url: server.url, clock })
    client.start()
    await clock.scheduled(120_000)
    await clock.advance(119_999)
    expect(await client.poll()).toBe(false)
    expect(server.polls).toEqual([])
    server.misbehave(answers(404))
    await clock.advance(1)
    await waitFor(() => client.state === 'polling', 'polling')
    expect(server.polls).toHaveLength(1)
  })

  it('is not polled either when it asks for it while it is polled', async () => {
    await using server = await streamServer()
    const clock = observedClock()
    const options = { url: server.url, clock, pollIntervalMs: 9_000, streamRetryMs: 1_000 }
    server.misbehave(answers(404))
    await using client = createSyncClient(options)
    client.start()
    await waitFor(() => client.state === 'polling', 'polling')
    await clock.scheduled(9_000)
    server.misbehave(answers(503, { 'retry-after': '120' }))
    await clock.advance(2_000)
    await clock.scheduled(120_000)
    const polls = server.polls.length
    await clock.advance(110_000)
    expect(server.polls).toHaveLength(polls)
    server.misbehave(answers(404))
    await clock.advance(10_000)
    await waitFor(() => server.polls.length > polls, 'the next poll')
  })
})

it('renews its headers after a 401, which it reports', async () => {
  await using server = await streamServer()
  const tokens: (string | undefined)[] = []
  let token = 'old'
  server.misbehave((request, response) => {
    tokens.push(request.headers.authorization)
    if (request.headers.authorization === 'new') server.misbehave()
    response.writeHead(401).end()
    token = 'new'
  })
  await using client = createSyncClient({
    url: server.url,
    retryBaseMs: 1,
    headers: () => ({ authorization: token }),
  })
  const errors: SyncClientError[] = []
  client.on('error', (error) => errors.push(error))
  client.start()
  await waitFor(() => client.state === 'live', 'the stream')
  expect(tokens).toEqual(['old', 'new'])
  expect(errors.map(({ httpStatus }) => httpStatus)).toEqual([401, 401])
})

it('polls by hand while it is live, without telling anything twice or leaving its state', async () => {
  await using server = await streamServer()
  await using client = createSyncClient({ url: server.url })
  const heard: string[] = []
  client.on('entityChanged', ({ id }) => heard.push(id))
  client.start()
  await waitFor(() => client.state === 'live', 'the stream')
  const event = server.raise()
  expect(await client.poll()).toBe(true)
  await waitFor(() => heard.length > 0, 'the event')
  server.raise()
  await waitFor(() => heard.length === 2, 'the next')
  expect(heard[0]).toBe(event.id)
  expect(client.state).toBe('live')
})
