import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { parseSyncDate } from '@x/events-core'
import { type EventJson, eventJson } from './sync-server.ts'

/** A stream that a client has opened, in the hands of the test. */
export interface OpenStream {
  /** The position that it resumes behind. */
  readonly lastEventId: string | undefined
  readonly query: URLSearchParams
  readonly response: ServerResponse
  write(text: string): void
  /** Breaks it off, without an end. */
  cut(): void
}

/** What becomes of a request for a stream, instead of a stream. */
export type Misbehaviour = (request: IncomingMessage, response: ServerResponse) => void

/** A host with a log of events, its stream and its polling API, over real HTTP. Positions are numbers. */
export interface StreamServer extends AsyncDisposable {
  readonly url: string
  readonly streams: OpenStream[]
  /** The dates that it was polled with. */
  readonly polls: string[]
  /** Streams that were asked for, answered or not. */
  readonly asked: IncomingMessage[]
  /** Appends an event, and tells every open stream. */
  raise(fields?: Partial<EventJson>): EventJson
  frame(position: number): string
  misbehave(how?: Misbehaviour): void
  /** Whether streams are told of themselves what they missed, and that they have caught up. */
  isSilent: boolean
  retryMs: number
  /** Ends every connection and comes back on the same port, as after a restart. */
  restart(): Promise<void>
}

/** As with a host's own, only these come when it is polled. */
const POLLED = /^(Refresh|Reload)$/

export async function streamServer(): Promise<StreamServer> {
  const log: EventJson[] = []
  const streams: OpenStream[] = []
  const polls: string[] = []
  const asked: IncomingMessage[] = []
  let misbehaviour: Misbehaviour | undefined

  const synced = () =>
    `event: synced\nid: ${log.length}\ndata: ${JSON.stringify({ syncDate: new Date() })}\n\n`
  const frame = (position: number) => `id: ${position}\ndata: ${JSON.stringify(log[position - 1])}\n\n`

  function open(request: IncomingMessage, response: ServerResponse): void {
    const header = request.headers['last-event-id']?.toString()
    const query = new URL(request.url ?? '', 'http://host').searchParams
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    const stream: OpenStream = {
      lastEventId: header,
      query,
      response,
      write: (text) => void response.write(text),
      cut: () => response.destroy(),
    }
    response.on('close', () => {
      const index = streams.indexOf(stream)
      if (index >= 0) streams.splice(index, 1)
    })
    response.flushHeaders()
    if (!server.isSilent) {
      const since = query.get('since')
      const first = since
        ? log.findIndex((event) => new Date(event.modifiedOn) >= (parseSyncDate(since) ?? 0))
        : -1
      const from = header !== undefined ? Number(header) : first >= 0 ? first : log.length
      response.write(`retry: ${server.retryMs}\n\n`)
      for (let position = from + 1; position <= log.length; position += 1) response.write(frame(position))
      response.write(synced())
    }
    streams.push(stream)
  }

  function poll(date: string, response: ServerResponse): void {
    polls.push(date)
    const since = parseSyncDate(date) ?? new Date(0)
    const syncEvents = date.startsWith('0001')
      ? []
      : log.filter(({ modifiedOn, action }) => POLLED.test(action) && new Date(modifiedOn) >= since)
    response
      .writeHead(200, { 'content-type': 'application/json' })
      .end(JSON.stringify({ syncDate: new Date(), syncEvents }))
  }

  const listener = (request: IncomingMessage, response: ServerResponse) => {
    const path = new URL(request.url ?? '', 'http://host').pathname
    const last = path.slice('/api/Sync/'.length)
    if (last !== 'stream') return poll(last, response)
    asked.push(request)
    if (misbehaviour) misbehaviour(request, response)
    else open(request, response)
  }
  let http = createServer(listener)
  http.listen(0, '127.0.0.1')
  await once(http, 'listening')
  const { port } = http.address() as AddressInfo

  async function close(): Promise<void> {
    http.closeAllConnections()
    await new Promise((resolve) => http.close(resolve))
  }

  const server: StreamServer = {
    url: `http://127.0.0.1:${port}/api/Sync`,
    streams,
    polls,
    asked,
    isSilent: false,
    retryMs: 10,
    frame,
    raise(fields = {}) {
      const event = eventJson({ modifiedOn: new Date().toISOString(), ...fields })
      log.push(event)
      for (const stream of streams) stream.write(frame(log.length))
      return event
    },
    misbehave(how) {
      misbehaviour = how
    },
    async restart() {
      await close()
      http = createServer(listener)
      http.listen(port, '127.0.0.1')
      await once(http, 'listening')
    },
    [Symbol.asyncDispose]: close,
  }
  return server
}
