import type { Server, ServerOptions } from 'node:http'
import type { AddressInfo } from 'node:net'

/** Longest time that requests under way may take to end when the server closes. */
const CLOSE_TIMEOUT_MS = 5_000

/** Longest time for the headers of a request. */
const HEADERS_TIMEOUT_MS = 10_000

/** Who sends slower than this is let go of, and keeps no connection from others. */
export function timeoutsOf(requestTimeoutMs: number): ServerOptions {
  return {
    requestTimeout: requestTimeoutMs,
    headersTimeout: Math.min(HEADERS_TIMEOUT_MS, requestTimeoutMs),
    connectionsCheckingInterval: Math.min(1_000, requestTimeoutMs),
    // Longer than proxies keep theirs, so that none sends into a connection that is just closing.
    keepAliveTimeout: 65_000,
  }
}

/**
 * Listens, and answers under which URL.
 *
 * @throws saying what to do when the port is taken.
 */
export async function listen(server: Server, port: number, host: string): Promise<string> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EADDRINUSE') return reject(error)
      reject(new Error(`Port ${port} of ${host} is taken; set PORT to another one.`, { cause: error }))
    })
    server.listen(port, host, resolve)
  })
  server.removeAllListeners('error')
  const { address, family, port: chosen } = server.address() as AddressInfo
  return `http://${family === 'IPv6' ? `[${address}]` : address}:${chosen}`
}

/** Takes no further connection, and waits a while for the requests under way. */
export async function closeServer(server: Server): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()))
  // A connection whose request was under way just now is kept open for a next one; not here.
  const sweep = setInterval(() => server.closeIdleConnections(), 20)
  const timeout = setTimeout(() => server.closeAllConnections(), CLOSE_TIMEOUT_MS)
  await closed
  clearInterval(sweep)
  clearTimeout(timeout)
}
