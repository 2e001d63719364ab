import { WebhookVerificationError } from '@x/signature'
import { ReceiverError } from './errors.ts'

/** An answer, for an adapter to send. */
export interface ReceiverResponse {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  /** Empty where there is nothing to say. */
  readonly body: string
}

const TITLES = {
  400: 'Bad Request',
  401: 'Unauthorized',
  405: 'Method Not Allowed',
  409: 'Conflict',
  413: 'Content Too Large',
  415: 'Unsupported Media Type',
  500: 'Internal Server Error',
} as const

type ProblemStatus = keyof typeof TITLES

/** A problem document (RFC 9457): short, and the same for every caller. */
export function problem(
  status: ProblemStatus,
  code: string,
  detail: string,
  headers: Readonly<Record<string, string>> = {},
): ReceiverResponse {
  return {
    status,
    headers: { 'content-type': 'application/problem+json', ...headers },
    body: JSON.stringify({ type: 'about:blank', title: TITLES[status], status, code, detail }),
  }
}

/** An answer without a body. */
export function accepted(status: 200 | 204): ReceiverResponse {
  return { status, headers: {}, body: '' }
}

function refusal(error: WebhookVerificationError): ReceiverResponse {
  switch (error.code) {
    case 'body_too_large':
      return problem(413, 'body_too_large', 'The body is too large.')
    case 'invalid_body':
      return problem(400, 'invalid_body', 'The body is not a JSON object with a type.')
    case 'invalid_payload':
      return problem(400, 'invalid_payload', error.message)
    default:
      // One answer for whatever is wrong with the headers or the signature: which check failed would
      // tell a forger how far they came. The consumer finds it in the error given to onError.
      return problem(401, 'unverified', 'The webhook could not be verified.')
  }
}

/** The answer to a message that could not be received. Of an unforeseen error it tells nothing. */
export function problemOf(error: unknown): ReceiverResponse {
  if (WebhookVerificationError.is(error)) return refusal(error)
  if (ReceiverError.is(error)) {
    if (error.code === 'body_consumed') return problem(500, error.code, error.message)
    if (error.code === 'handlers_failed')
      return problem(500, error.code, 'The event was not handled. Send it again.')
  }
  return problem(500, 'internal_error', 'The webhook could not be received. Send it again.')
}
