import { MessagesGoneError, WebhookSenderError, type WebhookSenderErrorCode } from '../errors.ts'

const TITLES = {
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  410: 'Gone',
  429: 'Too Many Requests',
  500: 'Internal Server Error',
  503: 'Service Unavailable',
} as const

type ProblemStatus = keyof typeof TITLES

/** What a problem tells beside its status and code. */
interface ProblemDetails {
  /** The parameter that was wrong. */
  readonly field?: string | undefined
  /** Of the oldest message that is left. */
  readonly first?: number | undefined
  readonly headers?: Readonly<Record<string, string>> | undefined
}

/** Ends a request with a problem document (RFC 9457). */
export class EventsApiProblem extends Error {
  readonly status: ProblemStatus
  readonly code: string
  readonly details: ProblemDetails

  constructor(status: ProblemStatus, code: string, detail: string, details: ProblemDetails = {}) {
    super(detail)
    this.status = status
    this.code = code
    this.details = details
  }

  response(): Response {
    const { status, code, message: detail } = this
    const { headers, ...more } = this.details
    const body = { type: 'about:blank', title: TITLES[status], status, code, detail, ...more }
    return new Response(JSON.stringify(body), {
      status,
      headers: { 'content-type': 'application/problem+json', ...headers },
    })
  }
}

/** A request that came too early. */
export function tooManyRequests(code: string, detail: string, retryAfterSeconds: number): EventsApiProblem {
  return new EventsApiProblem(429, code, detail, { headers: { 'retry-after': String(retryAfterSeconds) } })
}

/** What is there later. */
export function unavailable(code: string, detail: string, retryAfterSeconds: number): EventsApiProblem {
  return new EventsApiProblem(503, code, detail, { headers: { 'retry-after': String(retryAfterSeconds) } })
}

/** A parameter that cannot be used. */
export function invalidParameter(field: string, detail: string): EventsApiProblem {
  return new EventsApiProblem(400, 'invalid_argument', detail, { field })
}

/** The same 404 for every path that the key does not open: it does not tell which endpoints there are. */
export function notFound(): EventsApiProblem {
  return new EventsApiProblem(
    404,
    'not_found',
    'There is nothing at this path for this key. The path is .../endpoints/<id>/messages, with the id of the endpoint that the key was made for.',
  )
}

const CHECK_AGAIN_SECONDS = 5

/** What an error of the sender is to a consumer; undefined where the consumer has no part in it. */
export function problemOf(error: unknown): EventsApiProblem | undefined {
  if (error instanceof EventsApiProblem) return error
  if (!WebhookSenderError.is(error)) return undefined
  const { code, detail, field } = error
  if (MessagesGoneError.is(error)) {
    return new EventsApiProblem(410, 'gone', detail, { first: error.first })
  }
  const known: Partial<Record<WebhookSenderErrorCode, () => EventsApiProblem>> = {
    invalid_argument: () => new EventsApiProblem(400, code, detail, { field }),
    endpoint_not_found: notFound,
    no_sequence: () => new EventsApiProblem(403, code, detail),
    endpoint_disabled: () =>
      new EventsApiProblem(403, code, 'The endpoint is disabled; its owner can enable it.'),
    check_failed: () => unavailable('not_available', 'The messages cannot be read now.', CHECK_AGAIN_SECONDS),
  }
  return known[code]?.()
}
