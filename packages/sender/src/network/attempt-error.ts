import type { AttemptErrorCode } from '../deliveries/delivery.ts'

/** Why an attempt came to nothing: for programs, and for people. */
export interface AttemptError {
  readonly code: AttemptErrorCode
  readonly message: string
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

const CODES: Readonly<Record<string, AttemptErrorCode>> = {
  X_FORBIDDEN_ADDRESS: 'forbidden_address',
  UND_ERR_CONNECT_TIMEOUT: 'connect_timeout',
  ETIMEDOUT: 'connect_timeout',
  ECONNREFUSED: 'connection_refused',
  ECONNRESET: 'connection_lost',
  EPIPE: 'connection_lost',
  UND_ERR_SOCKET: 'connection_lost',
  UND_ERR_HEADERS_OVERFLOW: 'invalid_response',
  ENOTFOUND: 'dns_failure',
  EAI_AGAIN: 'dns_failure',
  EAI_FAIL: 'dns_failure',
  ENODATA: 'dns_failure',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'tls_failure',
  SELF_SIGNED_CERT_IN_CHAIN: 'tls_failure',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'tls_failure',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'tls_failure',
}

/** Sorts what a connection has failed with. */
export function attemptErrorOf(error: unknown): AttemptError {
  const { code, message } = describe(error)
  return { code: codeOf(code), message: storable(message) }
}

/** Text that any database stores. */
function storable(text: string): string {
  return text.slice(0, MAX_MESSAGE_LENGTH).toWellFormed().replaceAll('\0', '\ufffd')
}

/** Trying several addresses of a name ends in one error that holds one for each. */
function describe(error: unknown): { code: string; message: string } {
  if (error instanceof AggregateError && error.errors.length > 0) return describe(error.errors[0])
  if (!(error instanceof Error)) return { code: '', message: String(error) }
  if (error.name === 'HTTPParserError') return { code: 'HPE_', message: error.message }
  const { code } = error as NodeJS.ErrnoException
  return { code: typeof code === 'string' ? code : '', message: error.message }
}

function codeOf(code: string): AttemptErrorCode {
  const known = CODES[code]
  if (known) return known
  if (code.startsWith('HPE_')) return 'invalid_response'
  if (code.startsWith('ERR_TLS_') || code.startsWith('ERR_SSL_') || code.startsWith('CERT_'))
    return 'tls_failure'
  return 'network_error'
}
