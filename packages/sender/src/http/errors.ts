import { storableText, thrownMessage } from '@x/events-engine/internal'
import type { AttemptErrorCode } from '../deliveries/attempt-error-code.ts'

/**
 * To whom a failure is attributed: the endpoint, the sender, or unclear, as when a name server or a network cannot be
 * reached.
 */
export type Attribution = 'endpoint' | 'sender' | 'unclear'

/** Why an attempt failed: for programs, and for people. */
export interface AttemptError {
  readonly code: AttemptErrorCode
  readonly message: string
  readonly attribution: Attribution
}

/** Thrown while connecting to an address that the policy refuses. */
export class ForbiddenAddressError extends Error {
  readonly code = 'X_FORBIDDEN_ADDRESS'

  constructor(host: string, address: string) {
    super(
      host === address
        ? `${address} is not a public address, and no network of options.network.allow holds it.`
        : `${host} resolves to ${address}, which is not a public address, and no network of options.network.allow holds it.`,
    )
  }
}

const MAX_MESSAGE_LENGTH = 500
const SWITCHED =
  'The consumer responded with 101 Switching Protocols, which was not requested; webhooks are sent over HTTP/1.1 only.'
// Of Node.js, and of OpenSSL's verification.
const TLS_CODE = /^(?:ERR_TLS_|ERR_SSL_|CERT_|UNABLE_TO_|ERROR_IN_CERT_)/

// Resources and permissions of this machine are never the consumer's fault. The README lists the codes.
const CODES: Readonly<Record<string, readonly [AttemptErrorCode, Attribution]>> = {
  X_FORBIDDEN_ADDRESS: ['forbidden_address', 'endpoint'],
  UND_ERR_CONNECT_TIMEOUT: ['connect_timeout', 'endpoint'],
  ETIMEDOUT: ['connect_timeout', 'endpoint'],
  ECONNREFUSED: ['connection_refused', 'endpoint'],
  ECONNRESET: ['connection_lost', 'endpoint'],
  EPIPE: ['connection_lost', 'endpoint'],
  UND_ERR_SOCKET: ['connection_lost', 'endpoint'],
  UND_ERR_HEADERS_OVERFLOW: ['invalid_response', 'endpoint'],
  X_TOO_MANY_INTERIM: ['invalid_response', 'endpoint'],
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: ['invalid_response', 'endpoint'],
  X_PROXY_DENIED: ['forbidden_address', 'endpoint'],
  X_PROXY_UNAVAILABLE: ['proxy_unavailable', 'sender'],
  X_PROXY_UNAUTHORIZED: ['proxy_unauthorized', 'sender'],
  X_PROXY_NO_ROUTE: ['proxy_connect_failed', 'unclear'],
  X_PROXY_CONNECT_FAILED: ['proxy_connect_failed', 'endpoint'],
  ENOTFOUND: ['dns_failure', 'endpoint'],
  ENODATA: ['dns_failure', 'endpoint'],
  EAI_FAIL: ['dns_unavailable', 'unclear'],
  EAI_AGAIN: ['dns_unavailable', 'unclear'],
  ESERVFAIL: ['dns_unavailable', 'unclear'],
  ETIMEOUT: ['dns_unavailable', 'unclear'],
  ENETUNREACH: ['network_unreachable', 'unclear'],
  EHOSTUNREACH: ['network_unreachable', 'unclear'],
  ENETDOWN: ['network_unreachable', 'sender'],
  EMFILE: ['out_of_resources', 'sender'],
  ENFILE: ['out_of_resources', 'sender'],
  ENOBUFS: ['out_of_resources', 'sender'],
  ENOMEM: ['out_of_resources', 'sender'],
  EADDRNOTAVAIL: ['out_of_resources', 'sender'],
  EAI_MEMORY: ['out_of_resources', 'sender'],
  EAI_SYSTEM: ['out_of_resources', 'sender'],
  EACCES: ['not_permitted', 'sender'],
  EPERM: ['not_permitted', 'sender'],
  UND_ERR_DESTROYED: ['aborted', 'sender'],
  UND_ERR_CLOSED: ['aborted', 'sender'],
  DEPTH_ZERO_SELF_SIGNED_CERT: ['tls_failure', 'endpoint'],
  SELF_SIGNED_CERT_IN_CHAIN: ['tls_failure', 'endpoint'],
  INVALID_CA: ['tls_failure', 'endpoint'],
  INVALID_PURPOSE: ['tls_failure', 'endpoint'],
  HOSTNAME_MISMATCH: ['tls_failure', 'endpoint'],
  PATH_LENGTH_EXCEEDED: ['tls_failure', 'endpoint'],
  EPROTO: ['tls_failure', 'endpoint'],
}

/** A 101 without a new protocol, which an HTTP parser takes for an interim response. */
export const SWITCHED_PROTOCOLS: AttemptError = {
  code: 'invalid_response',
  attribution: 'endpoint',
  message: SWITCHED,
}

/** Classifies the error of a connection. */
export function attemptErrorOf(error: unknown): AttemptError {
  // Trying several addresses of a name ends in one error with one cause for each. The machine may have no
  // route to some of them (IPv6), so the errors of the others are more specific.
  const all = error instanceof AggregateError && error.errors.length > 0 ? error.errors : [error]
  const sorted = all.map(sort)
  return sorted.find(({ attribution }) => attribution === 'endpoint') ?? (sorted[0] as AttemptError)
}

function sort(error: unknown): AttemptError {
  const { code: name, message } = describe(error)
  const [code, attribution] = codeOf(name)
  return { code, attribution, message: storableText(message, MAX_MESSAGE_LENGTH) }
}

function describe(error: unknown): { code: string; message: string } {
  if (!(error instanceof Error)) return { code: '', message: thrownMessage(error) }
  if (error.name === 'HTTPParserError') return { code: 'HPE_', message: error.message }
  // Two of undici's socket errors are about the bytes that were received.
  if (error.message === 'bad upgrade') return { code: 'HPE_', message: SWITCHED }
  if (error.message === 'bad response') {
    return { code: 'HPE_', message: 'The consumer sent a response that belongs to no request.' }
  }
  const { code } = error as NodeJS.ErrnoException
  return { code: typeof code === 'string' ? code : '', message: error.message }
}

function codeOf(code: string): readonly [AttemptErrorCode, Attribution] {
  const known = CODES[code]
  if (known) return known
  if (code.startsWith('HPE_')) return ['invalid_response', 'endpoint']
  return [TLS_CODE.test(code) ? 'tls_failure' : 'network_error', 'endpoint']
}
