import { request as requestInClear } from 'node:http'
import { request as requestOverTls } from 'node:https'
import type { Socket } from 'node:net'
import type { SecureContext } from 'node:tls'
import type { FieldNames } from '@x/events-core'
import { assertOption } from '../errors.ts'
import { createInterimFilter } from './interim-responses.ts'

/** A proxy that webhooks go out through. */
export interface ProxyOptions {
  /** `http://` or `https://`, host and port; a name and a password in it are sent as `proxy-authorization`. */
  readonly url: string
  /**
   * The value of `proxy-authorization`, such as `Bearer ...`.
   * @defaultValue what the url holds
   */
  readonly authorization?: string | undefined
  /**
   * Resolves names here, checks every address as without a proxy, and has the proxy connect to an address. Otherwise
   * the proxy resolves names, and has to refuse private addresses itself.
   * @defaultValue false
   */
  readonly resolveLocally?: boolean | undefined
}

/** The options with every default in place. */
export interface ProxySettings {
  readonly protocol: 'http:' | 'https:'
  readonly hostname: string
  readonly port: number
  readonly authorization: string | undefined
  readonly resolveLocally: boolean
}

const PROXY: FieldNames<ProxyOptions> = {
  url: true,
  authorization: true,
  resolveLocally: true,
}

/** @throws WebhookSenderError `invalid_option`, which shows no credentials. */
export function readProxyOptions(options: ProxyOptions): ProxySettings {
  const { url, authorization, resolveLocally = false } = assertOption.fields('network.proxy', options, PROXY)
  const parsed = typeof url === 'string' ? URL.parse(url) : null
  const isProxy =
    (parsed?.protocol === 'http:' || parsed?.protocol === 'https:') &&
    parsed.pathname === '/' &&
    parsed.search === ''
  assertOption(isProxy, 'network.proxy.url', "an URL such as 'http://proxy.internal:4750'", 'something else')
  assertOption(
    authorization === undefined ||
      (typeof authorization === 'string' && /^[\x20-\x7e]{1,4096}$/.test(authorization)),
    'network.proxy.authorization',
    'printable ASCII characters',
    'something else',
  )
  const { protocol, hostname, port, username, password } = parsed as URL
  return {
    protocol: protocol as 'http:' | 'https:',
    hostname: hostname.replace(/^\[(.*)\]$/, '$1'),
    port: Number(port) || (protocol === 'https:' ? 443 : 80),
    authorization: authorization ?? basicOf(username, password),
    resolveLocally: assertOption.boolean('network.proxy.resolveLocally', resolveLocally),
  }
}

function basicOf(username: string, password: string): string | undefined {
  if (username === '' && password === '') return undefined
  const pair = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`
  return `Basic ${Buffer.from(pair).toString('base64')}`
}

/** Errors of a proxy; the error codes of attempts follow from them. */
export type ProxyErrorCode =
  | 'X_PROXY_UNAVAILABLE'
  | 'X_PROXY_UNAUTHORIZED'
  | 'X_PROXY_CONNECT_FAILED'
  | 'X_PROXY_DENIED'
  | 'X_PROXY_NO_ROUTE'

/** Thrown while connecting through a proxy. Names neither its address nor credentials. */
class ProxyError extends Error {
  readonly code: ProxyErrorCode

  constructor(code: ProxyErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}

const GATEWAY_TROUBLE = new Set([502, 503, 504])

/**
 * Classifies a proxy's refusal of CONNECT. It denies the address (403), does not accept the credentials (407), could not
 * connect to the consumer, or has failed itself, which looks the same. Smokescreen marks its own denials (also 407) and
 * failed connections by a header.
 */
function refusalOf(status: number, smokescreen: string | undefined): ProxyError {
  if (status === 403 || (status === 407 && smokescreen !== undefined)) {
    return new ProxyError('X_PROXY_DENIED', `The proxy does not allow this address (${status}).`)
  }
  if (status === 407) {
    return new ProxyError(
      'X_PROXY_UNAUTHORIZED',
      'The proxy wants other credentials (407); look at options.network.proxy.',
    )
  }
  if (GATEWAY_TROUBLE.has(status)) {
    const code = smokescreen === undefined ? 'X_PROXY_NO_ROUTE' : 'X_PROXY_CONNECT_FAILED'
    return new ProxyError(code, `The proxy could not connect to the consumer (${status}).`)
  }
  return new ProxyError('X_PROXY_UNAVAILABLE', `The proxy responded to CONNECT with ${status}.`)
}

/** Opens a connection through a proxy: a CONNECT for each. */
export type OpenTunnel = (
  host: string,
  port: number,
  callback: (error: Error | null, socket: Socket | null) => void,
) => void

/** The response to CONNECT, and the first bytes after it. */
interface ConnectResponse {
  readonly status: number
  readonly smokescreen: string | undefined
  readonly head: Buffer
}

const MAX_HEAD_BYTES = 16 * 1024
const HEAD_END = '\r\n\r\n'

/** Creates the opener of tunnels. Every failure before the proxy's response is the proxy's fault. */
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
      const error = new ProxyError('X_PROXY_UNAVAILABLE', `The proxy did not respond within ${timeoutMs} ms.`)
      waiting?.destroy()
      connect.destroy(error)
      end(error, null)
    }, timeoutMs)
    /** The socket that the final response is awaited on, after an interim one. */
    let waiting: Socket | undefined
    let end = (error: Error | null, socket: Socket | null) => {
      end = () => {}
      clearTimeout(timer)
      callback(error, socket)
    }

    function answered(socket: Socket, { status, smokescreen, head }: ConnectResponse): void {
      if (status >= 200 && status < 300) {
        if (head.length > 0) socket.unshift(head)
        socket.setNoDelay(true)
        end(null, socket)
        return
      }
      socket.on('error', () => {}).destroy()
      end(refusalOf(status, smokescreen), null)
    }

    connect.on('connect', ({ statusCode = 0, headers: received }, stream, head) => {
      const socket = stream as Socket
      if (statusCode < 200 && statusCode !== 101) {
        waiting = socket
        finalResponse(socket, head).then((response) => answered(socket, response), lost)
        return
      }
      const smokescreen = received['x-smokescreen-error']
      answered(socket, {
        status: statusCode,
        smokescreen: typeof smokescreen === 'string' ? smokescreen : undefined,
        head,
      })
    })
    // A response without a tunnel, which Node.js reports as an ordinary response.
    connect.on('response', (response) => {
      response.destroy()
      end(refusalOf(response.statusCode ?? 0, undefined), null)
    })
    connect.on('error', lost)
    connect.on('close', () => {
      if (!waiting) lost(closed())
    })
    connect.end()

    function lost(cause: NodeJS.ErrnoException): void {
      const isOurs = cause instanceof ProxyError
      const message = `The proxy cannot be reached (${cause.code ?? cause.name}).`
      end(isOurs ? cause : new ProxyError('X_PROXY_UNAVAILABLE', message, { cause }), null)
    }
  }
}

function closed(): ProxyError {
  return new ProxyError('X_PROXY_UNAVAILABLE', 'The proxy closed the connection without a response.')
}

/** Reads on after an interim response: Node.js takes the first response to CONNECT for the final one. */
function finalResponse(socket: Socket, first: Buffer): Promise<ConnectResponse> {
  const filter = createInterimFilter()
  filter.begin()
  return new Promise((resolve, reject) => {
    let text = ''
    const stop = () => {
      socket.off('data', take).off('error', fail).off('close', closedEarly).pause()
    }
    const fail = (error: Error) => {
      stop()
      socket.on('error', () => {}).destroy()
      reject(error)
    }
    const closedEarly = () => fail(closed())
    const take = (chunk: Buffer) => {
      try {
        text += filter.take(chunk)?.toString('latin1') ?? ''
      } catch {
        fail(new ProxyError('X_PROXY_UNAVAILABLE', 'The proxy responded to CONNECT with 1xx responses only.'))
        return
      }
      const end = text.indexOf(HEAD_END)
      if (end < 0 && text.length <= MAX_HEAD_BYTES) return
      const [, status] = /^HTTP\/1\.\d (\d{3})/.exec(text) ?? []
      if (end < 0 || status === undefined) {
        fail(
          new ProxyError(
            'X_PROXY_UNAVAILABLE',
            'The proxy responded to CONNECT with something other than HTTP/1.1.',
          ),
        )
        return
      }
      stop()
      const [, smokescreen] = /^x-smokescreen-error:[ \t]*(.*)$/im.exec(text.slice(0, end)) ?? []
      const head = Buffer.from(text.slice(end + HEAD_END.length), 'latin1')
      resolve({ status: Number(status), smokescreen, head })
    }
    socket.on('data', take).on('error', fail).on('close', closedEarly)
    take(first)
  })
}
