import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

/** Which way nothing comes through any more. */
export type Silence = 'both ways' | 'to the server' | 'to the client'

/** A connection through a {@link SilencingProxy}. */
export interface ProxiedConnection {
  /** Whether LISTEN was sent on it. */
  readonly isListening: boolean
  readonly isSilent: boolean
  /** Whether the client has closed it. */
  readonly isClosed: boolean
  /** Whether the client has sent something on it, other than its end, since it fell silent. */
  readonly isMissed: boolean
  /** Passes nothing on any more, not even that it is closed; both ends stay open. */
  silence(how?: Silence): void
}

/** A PostgreSQL server as seen through a network that loses connections without a word. */
export interface SilencingProxy extends AsyncDisposable {
  readonly url: string
  /** All that were opened, oldest first. */
  readonly connections: readonly ProxiedConnection[]
  /** Whether connections that are opened from now on get through; else they are taken, and nothing comes of it. */
  takesNew: boolean
  /** Silences open connections: all, or those that are chosen. @returns how many. */
  silence(choose?: (connection: ProxiedConnection, index: number) => boolean, how?: Silence): number
  /** Called with what clients send, before it is passed on, or not. */
  onSent(listener: (connection: ProxiedConnection, text: string) => void): void
  /** Passes on what was held back, as a network does that comes back. */
  restore(): void
}

/** The first byte of the message that ends a connection. */
const TERMINATE = 'X'

/** Starts a proxy on loopback, before the server that a URL names. */
export async function silencingProxy(serverUrl: string): Promise<SilencingProxy> {
  const target = new URL(serverUrl)
  const sockets = new Set<Socket>()
  const connections: (ProxiedConnection & { restore(): void })[] = []
  const listeners = new Set<(connection: ProxiedConnection, text: string) => void>()
  let takesNew = true

  const server = createServer((client) => {
    const upstream = connect(Number(target.port || 5432), target.hostname)
    const toServer = oneWay(client, upstream)
    const toClient = oneWay(upstream, client)
    let isListening = false
    let isMissed = false
    for (const socket of [client, upstream]) {
      sockets.add(socket)
      socket.setNoDelay(true)
      socket.on('error', () => {})
      socket.on('close', () => sockets.delete(socket))
    }
    const connection = {
      get isListening() {
        return isListening
      },
      get isSilent() {
        return toServer.isSilent || toClient.isSilent
      },
      get isClosed() {
        return client.destroyed
      },
      get isMissed() {
        return isMissed
      },
      silence(how: Silence = 'both ways') {
        if (how !== 'to the client') toServer.silence()
        if (how !== 'to the server') toClient.silence()
      },
      restore() {
        toServer.restore()
        toClient.restore()
      },
    }
    connections.push(connection)
    if (!takesNew) connection.silence()
    client.prependListener('data', (chunk) => {
      const text = chunk.toString('latin1')
      isListening ||= text.includes('listen ')
      for (const listener of [...listeners]) listener(connection, text)
      isMissed ||= connection.isSilent && !text.startsWith(TERMINATE)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = new URL(serverUrl)
  url.hostname = '127.0.0.1'
  url.port = String((server.address() as AddressInfo).port)

  return {
    url: url.href,
    connections,
    get takesNew() {
      return takesNew
    },
    set takesNew(takes) {
      takesNew = takes
    },
    silence(choose = () => true, how) {
      const chosen = connections.filter((one) => !one.isClosed && !one.isSilent).filter(choose)
      for (const one of chosen) one.silence(how)
      return chosen.length
    },
    onSent: (listener) => void listeners.add(listener),
    restore() {
      for (const one of connections) one.restore()
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}

function oneWay(from: Socket, to: Socket) {
  let isSilent = false
  let hasEnded = false
  let kept: Buffer[] = []
  from.on('data', (chunk: Buffer) => {
    if (isSilent) kept.push(chunk)
    else to.write(chunk)
  })
  from.on('close', () => {
    hasEnded = true
    if (!isSilent) to.end()
  })
  return {
    get isSilent() {
      return isSilent
    },
    silence() {
      isSilent = true
    },
    restore() {
      isSilent = false
      for (const chunk of kept) to.write(chunk)
      kept = []
      if (hasEnded) to.end()
    },
  }
}
