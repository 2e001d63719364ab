import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders, type RequestListener, request, type Server } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'

/** A server on loopback, which stops at the end of the block. */
export interface TestServer extends AsyncDisposable {
  readonly port: number
}

/** Serves with plain `node:http`, which most frameworks sit on. */
export async function serve(listener: RequestListener): Promise<TestServer> {
  const server = createServer(listener).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return testServer(server, () => new Promise((resolve) => server.close(resolve)))
}

/** Makes a server that listens already one that can be stopped. */
export function testServer(server: Server, close: () => Promise<unknown>): TestServer {
  return {
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await close()
    },
  }
}

/** A request, byte for byte. */
export interface RawRequest {
  readonly method?: string
  /** `/hook` unless a test says otherwise. */
  readonly path?: string
  /** A list is sent as several header lines. */
  readonly headers?: Readonly<Record<string, string | readonly string[]>>
  readonly body?: string | Uint8Array
}

/** What came back. */
export interface RawAnswer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly text: string
}

/** Sends a request, without any of the tidying up that `fetch` does. */
export async function send(server: TestServer, raw: RawRequest) {
  const { method = 'POST', path = '/hook', headers = {}, body } = raw
  const sent = request({ port: server.port, host: '127.0.0.1', path, method, agent: false })
  for (const [name, value] of Object.entries(headers)) sent.setHeader(name, value)
  if (body !== undefined) sent.setHeader('content-length', Buffer.byteLength(body))
  sent.end(body)
  const [answer] = await once(sent, 'response')
  const chunks: Buffer[] = []
  for await (const chunk of answer) chunks.push(chunk)
  return {
    status: answer.statusCode,
    headers: answer.headers,
    text: String(Buffer.concat(chunks)),
  } as RawAnswer
}

/** Opens a connection and sends the beginning of a request to `/hook`. */
export function begin(server: TestServer, headers: Readonly<Record<string, string>>, start: string): Socket {
  const socket = connect(server.port, '127.0.0.1')
  const lines = Object.entries({ host: '127.0.0.1', ...headers }).map(([name, value]) => `${name}: ${value}`)
  socket.write(`POST /hook HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n${start}`)
  return socket
}
