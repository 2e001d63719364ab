import { once } from 'node:events'
import { createServer, type IncomingMessage, type RequestListener } from 'node:http'
import { createServer as createTlsServer, type ServerOptions } from 'node:https'
import { type AddressInfo, connect, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'

/** A real proxy that knows CONNECT, and writes down what it was asked. */
export interface ProxyServer extends AsyncDisposable {
  readonly url: string
  /** Where to, and with which `proxy-authorization`. */
  readonly asked: readonly { readonly to: string; readonly authorization: string | undefined }[]
  /** Answers from now on with this status, or with nothing; undefined: does its work. */
  answer(status: number | 'nothing' | undefined, headers?: Record<string, string>): void
  /** Writes this from now on, before it answers or connects. */
  sayFirst(text: string): void
}

/** Starts one on loopback. Whatever the name, it connects to this machine, as a resolver of its own might say. */
export async function proxyServer(tls?: ServerOptions): Promise<ProxyServer> {
  const asked: { to: string; authorization: string | undefined }[] = []
  const sockets = new Set<Duplex>()
  let status: number | 'nothing' | undefined
  let extra: Record<string, string> = {}
  let first = ''

  const refuse: RequestListener = (_request, response) => void response.writeHead(405).end()
  const server = tls ? createTlsServer(tls, refuse) : createServer(refuse)
  server.on('connection', (socket: Socket) => sockets.add(socket.on('error', () => {})))
  server.on('connect', (request: IncomingMessage, client: Duplex) => {
    asked.push({ to: request.url ?? '', authorization: request.headers['proxy-authorization'] })
    client.on('error', () => {})
    if (status === 'nothing') return
    if (first !== '') client.write(first)
    if (status !== undefined) {
      const lines = Object.entries(extra).map(([name, value]) => `${name}: ${value}\r\n`)
      client.end(`HTTP/1.1 ${status} Refused\r\n${lines.join('')}\r\n`)
      return
    }
    const target = connect(Number(request.url?.split(':').at(-1)), '127.0.0.1', () => {
      client.write('HTTP/1.1 200 Connection established\r\n\r\n')
      target.pipe(client)
      client.pipe(target)
    })
    sockets.add(target)
    target.on('error', () => client.destroy())
    client.on('close', () => target.destroy())
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')

  return {
    url: `${tls ? 'https' : 'http'}://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    answer(next, headers = {}) {
      status = next
      extra = headers
    },
    sayFirst(text) {
      first = text
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
