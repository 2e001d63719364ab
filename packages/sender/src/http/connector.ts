import { type LookupFunction, Socket } from 'node:net'
import { buildConnector } from 'undici'
import { type AddressPolicy, isAllowedHost, literalAddress } from './addresses.ts'
import { type Connection, noteOpened, noteSteps } from './connection.ts'
import { ForbiddenAddressError } from './errors.ts'
import { skipInterimResponses } from './interim-responses.ts'
import { createGuardedLookup, type Resolve, resolvedBy } from './lookup.ts'
import { createTunnels, type OpenTunnel, type ProxySettings } from './proxy.ts'
import { createResolver } from './resolver.ts'
import { type ClientCertificate, createTlsContext, type TlsSettings } from './tls.ts'

/** What {@link createConnectors} works with. */
export interface ConnectorsParts extends TlsSettings {
  readonly addressPolicy: AddressPolicy
  readonly connectTimeoutMs: number
  readonly proxy: ProxySettings | undefined
  readonly resolve: Resolve | undefined
}

/** Opens a connection for undici, and notes how it goes. */
export type OpenConnection = (
  options: buildConnector.Options,
  callback: buildConnector.Callback,
  connection: Connection,
) => void

/** Creates what opens connections. */
export type CreateConnector = (client: {
  /** The tenant that lookups are counted for. */
  readonly tenantId: number
  /** The client's certificate that connections show. */
  readonly certificate?: ClientCertificate | undefined
}) => OpenConnection

// A lookup times out before the connection does, so that the error tells which of them was slow.
const SHARE_OF_LOOKUP = 0.9

/**
 * Makes connectors that open connections to allowed addresses only. An address in a URL is checked here, since it
 * reaches no lookup; those of a name are checked by the lookup; and the peer's address is checked once more. Through a
 * proxy that resolves names, only the URL can be checked.
 */
export function createConnectors(parts: ConnectorsParts): CreateConnector {
  const { addressPolicy, connectTimeoutMs, proxy, resolve } = parts
  const lookupTimeoutMs = Math.max(1, Math.floor(connectTimeoutMs * SHARE_OF_LOOKUP))
  const lookupOf = createGuardedLookup(
    addressPolicy,
    lookupTimeoutMs,
    resolve ? resolvedBy(resolve) : createResolver({ timeoutMs: lookupTimeoutMs }),
  )
  const trusted = createTlsContext(parts)
  const tunnels = proxy && createTunnels(proxy, connectTimeoutMs, trusted)

  return ({ tenantId, certificate }) => {
    const lookup = lookupOf(tenantId)
    const secureContext = certificate ? createTlsContext(parts, certificate) : trusted
    const connect = buildConnector({
      timeout: connectTimeoutMs,
      lookup,
      allowH2: false,
      ...(secureContext ? { secureContext } : {}),
    } as buildConnector.BuildOptions)
    const open = tunnels
      ? throughProxy(connect, tunnels, proxy?.resolveLocally ? lookup : undefined)
      : directly(connect, addressPolicy)

    return (options, callback, connection) => {
      const { hostname } = options
      if (!isAllowedHost(hostname, addressPolicy)) {
        callback(new ForbiddenAddressError(hostname, literalAddress(hostname) ?? 'this machine'), null)
        return
      }
      const opened: buildConnector.Callback = (...result) => {
        const [, socket] = result
        if (socket) {
          noteOpened(connection, socket)
          watchConnection(socket)
        }
        callback(...result)
      }
      open(options, opened, connection)
    }
  }
}

function directly(connect: buildConnector.connector, policy: AddressPolicy): OpenConnection {
  return (options, callback, connection) => {
    // undici returns the socket, which its types leave out.
    const begun: unknown = connect(options, (...result) => {
      const [, socket] = result
      const peer = socket?.remoteAddress
      if (socket && peer !== undefined && !policy.isAllowed(peer)) {
        socket.destroy()
        callback(new ForbiddenAddressError(options.hostname, peer), null)
        return
      }
      callback(...result)
    })
    if (begun instanceof Socket) noteSteps(connection, begun)
  }
}

function throughProxy(
  connect: buildConnector.connector,
  openTunnel: OpenTunnel,
  lookup: LookupFunction | undefined,
): OpenConnection {
  return (options, callback, connection) => {
    connection.viaProxy = true
    const { hostname, protocol } = options
    const port = Number(options.port) || (protocol === 'https:' ? 443 : 80)

    function open(host: string): void {
      openTunnel(host, port, (error, socket) => {
        if (socket) connection.connectedAt = performance.now()
        if (!socket) callback(error ?? new Error('The proxy has given no connection.'), null)
        else if (protocol === 'https:') connect({ ...options, httpSocket: socket }, callback)
        else callback(null, socket)
      })
    }

    const literal = literalAddress(hostname)
    if (!lookup || literal !== undefined) {
      open(literal ?? hostname)
      return
    }
    lookup(hostname, {}, (error, address) => {
      connection.lookedUpAt = performance.now()
      if (error) callback(error, null)
      else open(address as string)
    })
  }
}

const errors = new WeakSet<Error>()

/**
 * Watches a new connection, so that {@link isOfUsedConnection} knows its errors. A consumer may close an idle
 * connection at the moment when the next request is written to it.
 */
function watchConnection(socket: Socket): void {
  const readUntilNow = socket.bytesRead
  const response = skipInterimResponses(socket)
  socket.once('error', (error: NodeJS.ErrnoException) => {
    // Closed by this side, which sends nothing any more.
    if (error.code === 'UND_ERR_DESTROYED') return
    // After a 100 or 102, the consumer has the request: it must not be sent again.
    if (socket.bytesRead > readUntilNow && !response.hasBegun) errors.add(error)
  })
}

/** Whether an error ended a connection on which a response had arrived before, and none to this request. */
export function isOfUsedConnection(error: Error): boolean {
  return errors.has(error)
}
