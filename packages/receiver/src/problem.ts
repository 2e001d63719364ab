import { type WebhookVerificationCode, WebhookVerificationError } from '@x/signature'
import { ReceiverError, type ReceiverErrorCode } from './errors.ts'

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
  503: 'Service Unavailable',
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

// One answer for whatever is wrong with the headers or the signature: which check failed would tell a forger how far
// they came. The consumer finds it in the error given to onError.
const UNVERIFIED = problem(401, 'unverified', 'The webhook could not be verified.')
const INTERNAL = problem(500, 'internal_error', 'The webhook could not be received. Send it again.')

/** The answer to each fault, with its own message where that is for the sender. */
const ANSWERS: Readonly<
  Record<WebhookVerificationCode | ReceiverErrorCode, (message: string) => ReceiverResponse>
> = {
  missing_header: () => UNVERIFIED,
  invalid_header: () => UNVERIFIED,
  invalid_timestamp: () => UNVERIFIED,
  timestamp_too_old: () => UNVERIFIED,
  timestamp_too_new: () => UNVERIFIED,
  invalid_signature: () => UNVERIFIED,
  no_matching_signature: () => UNVERIFIED,
  invalid_body: () => problem(400, 'invalid_body', 'The body is not a JSON object with a type.'),
  invalid_payload: (message) => problem(400, 'invalid_payload', message),
  body_too_large: () => problem(413, 'body_too_large', 'The body is too large.'),
  // Of our own side: 500, so that the sender tries again.
  body_consumed: (message) => problem(500, 'body_consumed', message),
  // Nobody waits for an answer.
  catch_up_failed: () => INTERNAL,
  handlers_failed: () => problem(500, 'handlers_failed', 'The event was not handled. Send it again.'),
  inbox_unavailable: () =>
    problem(503, 'inbox_unavailable', 'The event could not be recorded. Send it again later.'),
  schema_failed: () => INTERNAL,
  secrets_unavailable: () => INTERNAL,
  store_unavailable: () =>
    problem(503, 'store_unavailable', 'The event could not be looked up. Send it again later.'),
  sync_unavailable: () => INTERNAL,
}

/** The answer to a message that could not be received. Of an unforeseen error it tells nothing. */
export function problemOf(error: unknown): ReceiverResponse {
  const isOurs = WebhookVerificationError.is(error) || ReceiverError.is(error)
  if (!isOurs || !Object.hasOwn(ANSWERS, error.code)) return INTERNAL
  return ANSWERS[error.code](error.message)
}
