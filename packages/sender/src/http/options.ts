import { createSecureContext } from 'node:tls'
import { type FieldNames, isListOf } from '@x/events-core'
import { assertOption } from '../errors.ts'
import { type AddressPolicy, createAddressPolicy } from './addresses.ts'
import type { Resolve } from './lookup.ts'
import { type ProxyOptions, type ProxySettings, readProxyOptions } from './proxy.ts'

/** Where webhooks may go, and by which route. */
export interface NetworkOptions {
  /**
   * Networks that may be reached although they are private or reserved: CIDR notation, such as
   * `127.0.0.0/8` or `::1/128`.
   * @defaultValue none: public addresses only
   */
  readonly allow?: readonly string[] | undefined
  /**
   * Ports below 1024 that may be reached besides 80 and 443. All from 1024 on may.
   * @defaultValue none
   */
  readonly allowPorts?: readonly number[] | undefined
  /**
   * Refuse `http:` URLs.
   * @defaultValue true where the environment variable `NODE_ENV` is `production`, else false
   */
  readonly httpsOnly?: boolean | undefined
  /**
   * A proxy that every request goes through, by CONNECT.
   * @defaultValue none: consumers are connected to directly
   */
  readonly proxy?: ProxyOptions | undefined
  /**
   * Certificates of authorities, PEM, that are trusted besides those that Node.js trusts.
   * @defaultValue none
   */
  readonly ca?: string | readonly string[] | undefined
  /**
   * The oldest version of TLS to speak.
   * @defaultValue 'TLSv1.2'
   */
  readonly minTlsVersion?: 'TLSv1.2' | 'TLSv1.3' | undefined
  /**
   * Gives every address of a name, instead of the machine's name servers. Every address is checked all the same.
   * @defaultValue the machine's name servers; names without a dot, in the hosts file, or unknown to the servers are
   *   resolved as by `dns.lookup`
   */
  readonly resolve?: Resolve | undefined
  /**
   * Most origins (scheme, host and port) that connections are kept open to. Beyond that, those to the one
   * that has been idle for longest are closed.
   * @defaultValue 512
   */
  readonly maxOrigins?: number | undefined
}

/** The options with every default in place. */
export interface NetworkSettings {
  readonly addressPolicy: AddressPolicy
  readonly allowPorts: readonly number[]
  readonly httpsOnly: boolean
  readonly proxy: ProxySettings | undefined
  readonly ca: readonly string[]
  readonly minTlsVersion: 'TLSv1.2' | 'TLSv1.3'
  readonly resolve: Resolve | undefined
  readonly maxOrigins: number
}

const NETWORK: FieldNames<NetworkOptions> = {
  allow: true,
  allowPorts: true,
  httpsOnly: true,
  proxy: true,
  ca: true,
  minTlsVersion: true,
  resolve: true,
  maxOrigins: true,
}

/** @throws WebhookSenderError `invalid_option` */
export function readNetworkOptions(given: NetworkOptions | undefined): NetworkSettings {
  const options = assertOption.fields('network', given, NETWORK)
  const { allow = [], allowPorts = [], minTlsVersion = 'TLSv1.2', resolve, ca = [] } = options
  assertOption(Array.isArray(allow), 'network.allow', 'a list of networks', allow)
  assertOption(
    isListOf(allowPorts, isPort),
    'network.allowPorts',
    'a list of ports from 1 to 1023',
    allowPorts,
  )
  assertOption(
    minTlsVersion === 'TLSv1.2' || minTlsVersion === 'TLSv1.3',
    'network.minTlsVersion',
    "'TLSv1.2' or 'TLSv1.3'",
    minTlsVersion,
  )
  assertOption(
    resolve === undefined || typeof resolve === 'function',
    'network.resolve',
    'a function',
    resolve,
  )
  return Object.freeze({
    addressPolicy: createAddressPolicy(allow),
    allowPorts: [...allowPorts],
    httpsOnly: assertOption.boolean(
      'network.httpsOnly',
      options.httpsOnly ?? process.env['NODE_ENV'] === 'production',
    ),
    proxy: options.proxy === undefined ? undefined : readProxyOptions(options.proxy),
    ca: readAuthorities(typeof ca === 'string' ? [ca] : ca),
    minTlsVersion,
    resolve,
    maxOrigins: assertOption.integer('network.maxOrigins', options.maxOrigins ?? 512, 1, 100_000),
  })
}

function readAuthorities(ca: readonly string[]): readonly string[] {
  assertOption(isListOf(ca, isPem), 'network.ca', 'certificates in PEM', 'something else')
  return [...ca]
}

function isPort(port: unknown): port is number {
  return Number.isInteger(port) && Number(port) >= 1 && Number(port) < 1_024
}

function isPem(text: unknown): text is string {
  if (typeof text !== 'string') return false
  try {
    createSecureContext({ ca: text })
    return text.includes('-----BEGIN CERTIFICATE-----')
  } catch {
    return false
  }
}
