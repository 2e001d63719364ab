import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { createServer, type Server, type Socket } from 'node:net'
import { createServer as createTlsServer, type TlsOptions } from 'node:tls'

/** A server that speaks whatever the test says, byte by byte if it likes. */
export interface RawServer extends AsyncDisposable {
  readonly port: number
  /** `http:`, or `https:` for one over TLS. */
  readonly url: string
  /** What every connection has brought, in the order of connections. */
  readonly received: readonly string[]
  /** How many connections are open. */
  readonly open: number
  closeConnections(): void
}

/**
 * Starts one on loopback.
 *
 * @param onRequest - called once for each request, as soon as its head is there; and once for what is none.
 * It is told which request of its connection this is, from 1 on, and which connection, from 0 on.
 * @param tls - a certificate and a key, to speak it over TLS.
 */
export async function rawServer(
  onRequest: (socket: Socket, request: number, connection: number) => void,
  tls?: TlsOptions,
): Promise<RawServer> {
  const received: string[] = []
  const sockets = new Set<Socket>()
  const listener = (socket: Socket) => {
    const connection = received.push('') - 1
    let seen = 0
    sockets.add(socket)
    // Being cut off is what these tests are about.
    socket.on('error', () => {})
    socket.on('close', () => sockets.delete(socket))
    socket.on('data', (chunk) => {
      received[connection] += chunk.toString('latin1')
      const begun = Math.max(1, (received[connection] as string).split('\r\n\r\n').length - 1)
      if (begun === seen) return
      seen = begun
      onRequest(socket, begun, connection)
    })
  }
  const server: Server = tls ? createTlsServer(tls, listener) : createServer(listener)
  server.on('tlsClientError', () => {})
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo

  return {
    port,
    url: `${tls ? 'https' : 'http'}://127.0.0.1:${port}/hook`,
    received,
    get open() {
      return sockets.size
    },
    closeConnections() {
      for (const socket of sockets) socket.end()
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

/** Writes the same again and again, until nobody listens. */
export function keepWriting(socket: Socket, text: string | Buffer, everyMs: number): void {
  const timer = setInterval(() => socket.write(text), everyMs)
  socket.on('close', () => clearInterval(timer))
}
