import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

/** Where a connection is cut: before COMMIT reaches the server, or before its answer reaches the client. */
export type Cut = 'before commit' | 'before its answer'

/** A PostgreSQL server as seen through a network that fails. */
export interface CuttingProxy extends AsyncDisposable {
  readonly url: string
  /** How often a connection was cut. */
  readonly cuts: number
  /** Decides for every COMMIT what becomes of it; undefined lets it pass. */
  decide(next: () => Cut | undefined): void
}

/**
 * Starts a proxy on loopback, before the server that a URL names.
 *
 * @param alone - part of the text of statements that are transactions of their own, and count as COMMIT as well.
 */
export async function cuttingProxy(serverUrl: string, alone?: string): Promise<CuttingProxy> {
  const target = new URL(serverUrl)
  const sockets = new Set<Socket>()
  let cuts = 0
  let next: () => Cut | undefined = () => undefined

  const server = createServer((client) => {
    const upstream = connect(Number(target.port || 5432), target.hostname)
    const both = [client, upstream]
    let mute = false
    const cut = () => {
      cuts += 1
      for (const socket of both) socket.destroy()
    }
    for (const socket of both) {
      sockets.add(socket)
      socket.setNoDelay(true)
      socket.on('error', () => {})
      socket.on('close', () => {
        sockets.delete(socket)
        for (const other of both) other.destroy()
      })
    }
    client.on('data', (chunk) => {
      const commits = chunk.includes('commit\0') || (alone !== undefined && chunk.includes(alone))
      const fate = commits ? next() : undefined
      if (fate === 'before commit') return cut()
      mute ||= fate === 'before its answer'
      upstream.write(chunk)
    })
    // The answer tells that the commit has happened; nobody else gets to know.
    upstream.on('data', (chunk) => (mute ? cut() : client.write(chunk)))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = new URL(serverUrl)
  url.hostname = '127.0.0.1'
  url.port = String((server.address() as AddressInfo).port)

  return {
    url: url.href,
    get cuts() {
      return cuts
    },
    decide(decision) {
      next = decision
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}
