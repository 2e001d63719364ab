import { readFlag, refuseUnless } from '../invalid-option.ts'

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
   * Resolve names here, vet every address as without a proxy, and have the proxy connect to an address. Otherwise
   * the proxy resolves names, and it is the proxy that has to refuse private addresses.
   * @defaultValue false
   */
  readonly resolveLocally?: boolean | undefined
}

/** The same, read. */
export interface ProxySettings {
  readonly protocol: 'http:' | 'https:'
  readonly hostname: string
  readonly port: number
  readonly authorization: string | undefined
  readonly resolveLocally: boolean
}

/** @throws WebhookSenderError `invalid_option`, which shows no credentials. */
export function readProxyOptions({
  url,
  authorization,
  resolveLocally = false,
}: ProxyOptions): ProxySettings {
  const parsed = typeof url === 'string' ? URL.parse(url) : null
  const isProxy =
    (parsed?.protocol === 'http:' || parsed?.protocol === 'https:') &&
    parsed.pathname === '/' &&
    parsed.search === ''
  refuseUnless(isProxy, 'network.proxy.url', "an URL such as 'http://proxy.internal:4750'", 'something else')
  refuseUnless(
    authorization === undefined || /^[\x20-\x7e]{1,4096}$/.test(authorization),
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
    resolveLocally: readFlag('network.proxy.resolveLocally', resolveLocally),
  }
}

function basicOf(username: string, password: string): string | undefined {
  if (username === '' && password === '') return undefined
  const pair = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`
  return `Basic ${Buffer.from(pair).toString('base64')}`
}
