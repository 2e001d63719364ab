import { once } from 'node:events'
import { createServer, get, type IncomingHttpHeaders, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { waitFor } from '@x/testkit'
import { createSseFeed, type SseAudience, type SseFeed, type SseFeedOptions } from '../../src/sse.ts'
import type { OpenEngine } from '../open-engine.ts'

export interface SseServer extends AsyncDisposable {
  readonly url: string
  readonly sse: SseFeed
}

/** A real HTTP server that streams an engine's events; the audience is what the test says of a request. */
export async function sseServer(
  { engine }: OpenEngine,
  options: Partial<SseFeedOptions> = {},
  audienceOf: (request: IncomingMessage) => SseAudience = () => ({ tenantId: 1 }),
): Promise<SseServer> {
  const sse = createSseFeed({ engine, ...options })
  const server = createServer((request, response) => sse.answer(request, response, audienceOf(request)))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/stream`,
    sse,
    async [Symbol.asyncDispose]() {
      await sse.close()
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

export interface Frame {
  readonly event: string
  readonly id: string | undefined
  readonly data: string
}

/** A client that keeps what it gets, as it comes. */
export interface RawStream extends AsyncDisposable {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly incoming: IncomingMessage
  text(): string
  frames(): Frame[]
  /** The ids of the entities that messages were about. */
  entityIds(): unknown[]
  /** The id of the last frame that had one: where to resume. */
  lastId(): string | undefined
  /** Resolves once the server has said that everything was told. */
  synced(): Promise<unknown>
  readonly ended: Promise<unknown>
}

export async function openStream(url: string, headers: Record<string, string> = {}): Promise<RawStream> {
  const request = get(url, { headers, agent: false })
  const [incoming] = (await once(request, 'response')) as [IncomingMessage]
  let text = ''
  incoming.setEncoding('utf8')
  incoming.on('data', (chunk: string) => {
    text += chunk
  })
  incoming.on('error', () => {})
  const frames = () => text.split('\n\n').slice(0, -1).map(frameOf)
  const messages = () => frames().filter(({ event, data }) => event === 'message' && data !== '')
  return {
    status: incoming.statusCode ?? 0,
    headers: incoming.headers,
    incoming,
    text: () => text,
    frames,
    entityIds: () => messages().map(({ data }) => (JSON.parse(data) as { entityId: unknown }).entityId),
    lastId: () => frames().findLast(({ id }) => id !== undefined)?.id,
    synced: () => waitFor(() => frames().some(({ event }) => event === 'synced'), 'the stream to be live'),
    // Not `once`: it would be rejected by the cutting off that a test is about.
    ended: new Promise((resolve) => incoming.on('close', resolve)),
    async [Symbol.asyncDispose]() {
      request.destroy()
    },
  }
}

function frameOf(text: string): Frame {
  const field = (name: string) =>
    text
      .split('\n')
      .find((line) => line.startsWith(`${name}: `))
      ?.slice(name.length + 2)
  return { event: field('event') ?? 'message', id: field('id'), data: field('data') ?? '' }
}
