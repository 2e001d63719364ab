import { waitFor } from '@x/testkit'
import { describe, expect, it } from 'vitest'
import { createSyncClient, type SyncClientError, type SyncClientOptions } from '../src/index.ts'
import { type StreamServer, streamServer } from './stream-server.ts'
import { eventJson, observedClock } from './sync-server.ts'

/** A client that is live, and what it has heard. */
async function liveClient(server: StreamServer, options: Partial<SyncClientOptions> = {}) {
  const client = createSyncClient({ url: server.url, retryBaseMs: 10, ...options })
  const heard: string[] = []
  const states: string[] = []
  const errors: SyncClientError[] = []
  client.on('entityChanged', (event) => heard.push(event.id))
  client.on('state', ({ state }) => states.push(state))
  client.on('error', (error) => errors.push(error))
  client.start()
  await waitFor(() => client.state === 'live', 'the client to be live')
  return Object.assign(client, { heard, states, errors })
}

const soleStream = (server: StreamServer) =>
  waitFor(() => server.streams.length === 1 && server.streams[0], 'a stream')
const ids = (events: readonly { readonly id: string }[]) => events.map(({ id }) => id)

it('tells each event as it comes, whole, with dates as dates', async () => {
  await using server = await streamServer()
  server.raise()
  await using client = await liveClient(server)
  const told: unknown[] = []
  client.on('Page.Update', (event) => told.push(event))
  const event = server.raise({ entityName: 'Page', action: 'Update', data: { name: 'Home' } })
  await waitFor(() => told.length > 0, 'the event')
  expect(told).toEqual([{ ...event, modifiedOn: new Date(event.modifiedOn) }])
  expect(client.heard).toEqual([event.id])
  expect(server.polls).toEqual([])
})

it('begins at the date that its state is of, and asks for its site alone', async () => {
  await using server = await streamServer()
  const lastSyncDate = new Date()
  const missed = server.raise()
  await using client = await liveClient(server, { lastSyncDate, siteKey: '1:7' })
  expect(client.heard).toEqual([missed.id])
  const { query } = await soleStream(server)
  expect(query.get('siteId')).toBe('7')
})

it('resumes behind what it has told, wherever the stream is cut', async () => {
  await using server = await streamServer()
  await using client = await liveClient(server)
  const events = []
  for (let cut = 0; cut < 5; cut += 1) {
    const stream = await soleStream(server)
    const event = server.raise()
    const text = server.frame(events.length + 1)
    events.push(event)
    await waitFor(() => client.heard.length === events.length, 'the event')
    // In the middle of the next one, which nobody has told yet.
    const next = eventJson()
    const whole = text.replace(event.id, next.id)
    stream.write(whole.slice(0, Math.floor((whole.length * cut) / 5)))
    stream.cut()
    events.push(server.raise(next))
    await waitFor(() => client.heard.length === events.length, 'what was cut off')
  }
  expect(client.heard).toEqual(ids(events))
})

it('reads events in whatever pieces they come: byte by byte, with any line break, in many lines', async () => {
  await using server = await streamServer()
  server.isSilent = true
  const client = createSyncClient({ url: server.url })
  await using _stopping = client
  const heard: unknown[] = []
  client.on('entityChanged', ({ id, data }) => heard.push([id, data]))
  client.start()
  const { response } = await soleStream(server)
  const json = (id: string, data: string) => JSON.stringify(eventJson({ id, data }), undefined, 1)
  const lines = (text: string, end: string) =>
    text
      .split('\n')
      .map((line) => `data:${line}${end}`)
      .join('')
  const text = [
    `: a comment\r\nid: 1\r\n${lines(json('one', 'größer 💡'), '\r\n')}\r\n`,
    `id:2\ndata: ${JSON.stringify(eventJson({ id: 'two', data: 'b' }))}\n\r\n`,
    `unknown: x\nid: 3\n${lines(json('three', 'c'), '\n')}event: message\n\n`,
    'data\n\nevent: other\ndata: {}\n\n',
    `id: 4\ndata: ${JSON.stringify(eventJson({ id: 'four', data: 'd' }))}\n\n`,
  ].join('')
  for (const byte of new TextEncoder().encode(text)) {
    response.write(Uint8Array.of(byte))
    await new Promise((resolve) => setImmediate(resolve))
  }
  await waitFor(() => heard.length === 4, 'all events')
  expect(heard).toEqual([
    ['one', 'größer 💡'],
    ['two', 'b'],
    ['three', 'c'],
    ['four', 'd'],
  ])
})

it('takes events of many megabytes', async () => {
  await using server = await streamServer()
  await using client = await liveClient(server)
  const sizes: number[] = []
  client.on('entityChanged', ({ data }) => sizes.push(String(data).length))
  server.raise({ data: 'x'.repeat(8_000_000) })
  server.raise({ data: 'y' })
  await waitFor(() => sizes.length === 2, 'both events')
  expect(sizes).toEqual([8_000_000, 1])
})

it('tells an event once, however often and in whatever order the server repeats it', async () => {
  await using server = await streamServer()
  await using client = await liveClient(server)
  const events = [server.raise(), server.raise(), server.raise()]
  const stream = await soleStream(server)
  for (const position of [2, 1, 3, 2]) stream.write(server.frame(position))
  events.push(server.raise())
  await waitFor(() => client.heard.length >= 4, 'all events')
  expect(client.heard).toEqual(ids(events))
})

it('reports what it cannot read, and goes on behind it', async () => {
  await using server = await streamServer()
  await using client = await liveClient(server)
  const stream = await soleStream(server)
  stream.write('id: 1\ndata: {"id": "half\n\nid: 2\ndata: null\n\n')
  await waitFor(() => client.errors.length === 2, 'both errors')
  expect(client.errors.map(({ code }) => code)).toEqual(['invalid_response', 'invalid_response'])
  stream.cut()
  const again = await waitFor(() => server.streams.find((open) => open !== stream), 'the next stream')
  expect(again.lastEventId).toBe('2')
  expect(client.state).not.toBe('polling')
})

it('goes on after a stop where it was, also when a listener stopped it among several events', async () => {
  await using server = await streamServer()
  await using client = await liveClient(server)
  client.on('entityChanged', () => client.stop())
  const stream = await soleStream(server)
  const events = [eventJson(), eventJson()].map((event) => {
    // Not told by the server itself: both come in one piece.
    server.streams.length = 0
    return server.raise(event)
  })
  stream.write(server.frame(1) + server.frame(2))
  await waitFor(() => client.state === 'idle', 'the stop')
  expect(client.heard).toEqual([events[0]?.id])
  client.start()
  await waitFor(() => client.heard.length === 2, 'the second event')
  expect(client.heard).toEqual(ids(events))
})

it('comes back after a restart of the server, and tells its state all the while', async () => {
  await using server = await streamServer()
  await using client = await liveClient(server)
  const event = server.raise()
  await waitFor(() => client.heard.length === 1, 'the event')
  await server.restart()
  const missed = server.raise()
  await waitFor(() => client.heard.length === 2, 'the event of the time between')
  await waitFor(() => client.state === 'live', 'the client to be live again')
  expect(client.heard).toEqual(ids([event, missed]))
  expect(client.states.slice(0, 2)).toEqual(['connecting', 'live'])
  expect(client.states.at(-1)).toBe('live')
  expect(client.states).toContain('waiting')
})

it('comes back as soon as a server that says goodbye wishes, which is no failure', async () => {
  await using server = await streamServer()
  await using client = await liveClient(server)
  const stream = await soleStream(server)
  stream.response.end()
  await waitFor(() => server.asked.length === 2 && client.state === 'live', 'the next stream')
  expect(client.errors).toEqual([])
  expect(client.states).toEqual(['connecting', 'live', 'connecting', 'live'])
})

describe('a stream on which nothing comes any more', () => {
  it('is given up, and resumed elsewhere', async () => {
    await using server = await streamServer()
    const clock = observedClock()
    await using client = await liveClient(server, { clock, silenceMs: 40_000 })
    for (let beat = 1; beat <= 3; beat += 1) {
      await clock.advance(30_000)
      server.raise()
      await waitFor(() => client.heard.length === beat, 'a sign of life')
    }
    expect(server.asked).toHaveLength(1)
    // The machine slept: no timer has fired, and the time of day is another.
    await clock.advance(45_000)
    await waitFor(async () => {
      await clock.advance(100)
      return server.asked.length === 2 && client.state === 'live'
    }, 'the next stream')
    expect(client.errors.map(({ code }) => code)).toEqual(['timeout'])
  })

  it('is given up sooner when it never began', async () => {
    await using server = await streamServer()
    const clock = observedClock()
    server.misbehave(() => {})
    await using client = createSyncClient({ url: server.url, clock, requestTimeoutMs: 3_000 })
    const errors: SyncClientError[] = []
    client.on('error', (error) => errors.push(error))
    client.start()
    await waitFor(() => server.asked.length === 1, 'the question')
    await clock.advance(2_900)
    expect(errors).toEqual([])
    await clock.advance(100)
    await waitFor(() => errors.length > 0, 'the end of patience')
    expect(errors.map(({ code }) => code)).toEqual(['timeout'])
  })
})
