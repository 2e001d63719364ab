import { createHash } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import { storableText } from '@x/events-engine/internal'
import type { Connection } from '../http/connection.ts'
import type { Exchange } from '../http/post.ts'
import type { AttemptConnection, AttemptTimings } from './delivery.ts'

/** What is kept of an attempt beside its row's columns, as JSON. Lists of headers are name and value in turn. */
export interface AttemptDetails {
  /** The request's headers; the values of the endpoint's own are left out. */
  readonly sent: readonly string[]
  /** Name and digest of the endpoint's own headers: their values may be credentials, which lie in its row alone. */
  readonly own: readonly string[]
  /** The response's headers, so far as they are kept. */
  readonly received?: readonly string[]
  /** How many of those are left out. */
  readonly omitted?: number
  readonly connection?: AttemptConnection
  readonly timings?: AttemptTimings
}

/** What is shown instead of a value. */
export const MASK = '***'

const MAX_HEADERS = 32
const MAX_VALUE_LENGTH = 1024
const MAX_LENGTH = 4 * 1024

const SECRET_NAME =
  /authorization|cookie|token|secret|passw|credential|api-?key|signing-?key|(?:^|[-_])(?:auth|key|session|sid|jwt|csrf|xsrf)(?:$|[-_])/i
const SECRET_VALUE =
  /^(?:Bearer|Basic|Token) [\w+/=.~-]+$|\beyJ[\w-]{8,}\.[\w-]|\b(?:whsec|sk|rk|ghp|xox[abp])[-_]\w{8}/i

/** Whether a header's value is, or may be, a credential. */
export function looksSecret(name: string, value: string): boolean {
  return SECRET_NAME.test(name) || SECRET_VALUE.test(value)
}

/**
 * Collects what is kept of an attempt.
 *
 * @param sent - the request's headers, name and value in turn.
 * @param own - those of the endpoint.
 */
export function attemptDetails(
  sent: readonly string[],
  own: Readonly<Record<string, string>>,
  exchange: Exchange,
): AttemptDetails {
  const { connection, headers } = exchange
  const ownNames = new Set(Object.keys(own))
  const { received, omitted } = headers ? keptHeaders(headers) : {}
  return {
    sent: pairsOf(sent).flatMap(([name, value]) => [name, ownNames.has(name) ? '' : storableText(value)]),
    own: Object.entries(own).flatMap(([name, value]) => [name, digestOf(name, value)]),
    ...(received === undefined ? {} : { received }),
    ...(omitted === undefined || omitted === 0 ? {} : { omitted }),
    ...(connection === undefined
      ? {}
      : { connection: connectionOf(connection, exchange), timings: timingsOf(connection, exchange) }),
  }
}

/** Short, so that it tells whether a value is the same, and little of what it is. */
export function digestOf(name: string, value: string): string {
  return createHash('sha256').update(`${name}\n${value}`).digest('hex').slice(0, 8)
}

/** Names and values of headers that are name and value in turn. */
export function pairsOf(flat: readonly string[]): [name: string, value: string][] {
  const pairs: [string, string][] = []
  for (let index = 0; index < flat.length; index += 2) {
    pairs.push([flat[index] as string, flat[index + 1] as string])
  }
  return pairs
}

/** The headers of a response within their bounds, with credentials masked. */
function keptHeaders(headers: IncomingHttpHeaders): { received: string[]; omitted: number } {
  const received: string[] = []
  let omitted = 0
  let length = 0
  for (const [name, given = ''] of Object.entries(headers)) {
    const whole = typeof given === 'string' ? given : given.join(', ')
    const value = looksSecret(name, whole) ? MASK : storableText(whole, MAX_VALUE_LENGTH)
    const isKept = received.length < 2 * MAX_HEADERS && length + name.length + value.length <= MAX_LENGTH
    if (isKept) {
      received.push(storableText(name), value)
      length += name.length + value.length
    } else omitted += 1
  }
  return { received, omitted }
}

function connectionOf(
  { remoteAddress, remotePort, tlsVersion, viaProxy }: Connection,
  { isReused }: Exchange,
): AttemptConnection {
  return {
    reused: isReused,
    viaProxy,
    httpVersion: '1.1',
    ...(remoteAddress === undefined ? {} : { remoteAddress }),
    ...(remotePort === undefined ? {} : { remotePort }),
    ...(tlsVersion === undefined ? {} : { tlsVersion }),
  }
}

function timingsOf(
  { begunAt, lookedUpAt, connectedAt, openedAt, tlsVersion }: Connection,
  { isReused, sentAt, firstByteAt }: Exchange,
): AttemptTimings {
  const dnsMs = isReused ? undefined : msFrom(begunAt, lookedUpAt)
  const connectMs = isReused ? undefined : msFrom(lookedUpAt ?? begunAt, connectedAt)
  const tlsMs = isReused || tlsVersion === undefined ? undefined : msFrom(connectedAt, openedAt)
  const firstByteMs = msFrom(sentAt, firstByteAt)
  return {
    ...(dnsMs === undefined ? {} : { dnsMs }),
    ...(connectMs === undefined ? {} : { connectMs }),
    ...(tlsMs === undefined ? {} : { tlsMs }),
    ...(firstByteMs === undefined ? {} : { firstByteMs }),
  }
}

/** Milliseconds between two times, to a tenth. */
function msFrom(begin: number | undefined, end: number | undefined): number | undefined {
  return begin === undefined || end === undefined ? undefined : Math.round((end - begin) * 10) / 10
}
