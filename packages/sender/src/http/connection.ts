import type { Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'

/** How a connection was opened, and to where. Times are of `performance.now()`; those of steps not made are undefined. */
export interface Connection {
  readonly begunAt: number
  /** When the name was resolved, or could not be. */
  lookedUpAt: number | undefined
  /** When TCP, or the tunnel of a proxy, was established. */
  connectedAt: number | undefined
  /** When it could take a request: after the TLS handshake, if there is one. */
  openedAt: number | undefined
  /** The consumer's address, or the last one tried; undefined through a proxy. */
  remoteAddress: string | undefined
  remotePort: number | undefined
  tlsVersion: string | undefined
  viaProxy: boolean
  /** Whether a request was sent on it. */
  isUsed: boolean
}

/** The latest connection of a client, which has one at a time. */
export interface ConnectionSlot {
  connection: Connection | undefined
}

/** A request that wants to know its connection. */
export interface ConnectionUser {
  /** Called before it is sent, with the slot of the client that will send it. */
  sentBy(slot: ConnectionSlot): void
}

/** A connection that begins to be opened now. */
export function beginConnection(): Connection {
  return {
    begunAt: performance.now(),
    lookedUpAt: undefined,
    connectedAt: undefined,
    openedAt: undefined,
    remoteAddress: undefined,
    remotePort: undefined,
    tlsVersion: undefined,
    viaProxy: false,
    isUsed: false,
  }
}

/** Notes the steps in which a socket connects. */
export function noteSteps(connection: Connection, socket: Socket): void {
  socket.once('lookup', () => {
    connection.lookedUpAt = performance.now()
  })
  socket.on('connectionAttempt', (address: string, port: number) => {
    connection.remoteAddress = address
    connection.remotePort = port
  })
  socket.once('connect', () => {
    connection.connectedAt = performance.now()
  })
}

/** Notes that a connection can take requests. */
export function noteOpened(connection: Connection, socket: Socket | TLSSocket): void {
  connection.openedAt = performance.now()
  if ('getProtocol' in socket) connection.tlsVersion = socket.getProtocol() ?? undefined
  if (connection.viaProxy) return
  connection.remoteAddress = socket.remoteAddress
  connection.remotePort = socket.remotePort
}
