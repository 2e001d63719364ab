/** What can go wrong on the way through a proxy; the error codes of attempts follow from it. */
export type ProxyErrorCode =
  | 'X_PROXY_UNAVAILABLE'
  | 'X_PROXY_UNAUTHORIZED'
  | 'X_PROXY_CONNECT_FAILED'
  | 'X_PROXY_DENIED'
  | 'X_PROXY_NO_ROUTE'

/** Thrown while connecting through a proxy. Names neither its address nor credentials. */
export class ProxyError extends Error {
  readonly code: ProxyErrorCode

  constructor(code: ProxyErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}

const GATEWAY_TROUBLE = new Set([502, 503, 504])

/**
 * What a proxy means by refusing a CONNECT. It is up and has its own reasons (403), or does not know us
 * (407), or could not connect to the consumer, or is in trouble itself, which looks the same. Smokescreen tells its
 * own refusals (407, as well) and failed connections by a header.
 */
export function refusalOf(status: number, smokescreen: string | undefined): ProxyError {
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
  return new ProxyError('X_PROXY_UNAVAILABLE', `The proxy has answered ${status} to CONNECT.`)
}
