import { request as requestInClear } from 'node:http'
import { request as requestOverTls } from 'node:https'
import type { Socket } from 'node:net'
import type { SecureContext } from 'node:tls'
import { ProxyError, refusalOf } from './proxy-error.ts'
import type { ProxySettings } from './proxy-options.ts'

/** Opens a connection through a proxy: a CONNECT for each. */
export type OpenTunnel = (
  host: string,
  port: number,
  callback: (error: Error | null, socket: Socket | null) => void,
) => void

/** Creates what opens tunnels. Whatever fails before the proxy has answered is the proxy's fault. */
export function createTunnels(
  { protocol, hostname, port: proxyPort, authorization }: ProxySettings,
  timeoutMs: number,
  secureContext: SecureContext | undefined,
): OpenTunnel {
  const request = protocol === 'https:' ? requestOverTls : requestInClear

  return (host, port, callback) => {
    const authority = `${host.includes(':') ? `[${host}]` : host}:${port}`
    const headers = authorization === undefined ? {} : { 'proxy-authorization': authorization }
    const connect = request({
      method: 'CONNECT',
      host: hostname,
      port: proxyPort,
      path: authority,
      headers: { host: authority, ...headers },
      agent: false,
      ...(secureContext ? { secureContext } : {}),
    })
    const timer = setTimeout(() => {
      connect.destroy(
        new ProxyError('X_PROXY_UNAVAILABLE', `The proxy has not answered within ${timeoutMs} ms.`),
      )
    }, timeoutMs)
    let end = (error: Error | null, socket: Socket | null) => {
      end = () => {}
      clearTimeout(timer)
      callback(error, socket)
    }
    connect.on('connect', ({ statusCode = 0, headers: answered }, stream, head) => {
      const socket = stream as Socket
      if (statusCode >= 200 && statusCode < 300) {
        if (head.length > 0) socket.unshift(head)
        socket.setNoDelay(true)
        end(null, socket)
        return
      }
      socket.on('error', () => {}).destroy()
      const smokescreen = answered['x-smokescreen-error']
      end(refusalOf(statusCode, typeof smokescreen === 'string' ? smokescreen : undefined), null)
    })
    // An answer that is none to CONNECT, which Node.js does not expect.
    connect.on('response', (response) => {
      response.destroy()
      end(refusalOf(response.statusCode ?? 0, undefined), null)
    })
    connect.on('error', (cause: NodeJS.ErrnoException) => {
      const isOurs = cause instanceof ProxyError
      const message = `The proxy cannot be reached (${cause.code ?? cause.name}).`
      end(isOurs ? cause : new ProxyError('X_PROXY_UNAVAILABLE', message, { cause }), null)
    })
    connect.on('close', () => {
      end(
        new ProxyError('X_PROXY_UNAVAILABLE', 'The proxy has closed the connection without an answer.'),
        null,
      )
    })
    connect.end()
  }
}
