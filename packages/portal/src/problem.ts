import type { EventsError } from '@x/events-core'
import type { WebhookSenderError } from '@x/sender'
import { statusOfError } from './error-status.ts'
import { TooManyGuessesError } from './guess-limit.ts'

const TITLES: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  409: 'Conflict',
  413: 'Content Too Large',
  415: 'Unsupported Media Type',
  429: 'Too Many Requests',
  500: 'Internal Server Error',
  503: 'Service Unavailable',
}

/** Ends the handling of a request with a problem document (RFC 9457). */
export class PortalProblem extends Error {
  readonly status: number
  readonly code: string
  /** The field of the input that was wrong: what a form marks. */
  readonly field: string | undefined
  /** What may have been meant there, the likeliest first. */
  readonly suggestions: readonly string[] | undefined
  readonly headers: Readonly<Record<string, string>>

  constructor(
    status: number,
    code: string,
    detail: string,
    options: {
      readonly field?: string | undefined
      readonly suggestions?: readonly string[] | undefined
      readonly headers?: Readonly<Record<string, string>>
    } = {},
  ) {
    super(detail)
    this.status = status
    this.code = code
    this.field = options.field
    this.suggestions = options.suggestions
    this.headers = options.headers ?? {}
  }
}

/** @returns what to throw for a part of the input that cannot be used. */
export function invalidArgument(field: string, detail: string): PortalProblem {
  return new PortalProblem(400, 'invalid_argument', detail, { field })
}

const OURS = 'The application cannot do this at the moment. Its operator finds the reason in its log.'

/** The problem that an error stands for; undefined when the caller has no part in it, and can do nothing. */
export function problemOf(error: unknown): PortalProblem | undefined {
  if (error instanceof PortalProblem) return error
  if (error instanceof TooManyGuessesError) {
    return new PortalProblem(429, error.code, error.message, {
      headers: { 'retry-after': String(error.retryAfterSeconds) },
    })
  }
  const status = statusOfError(error)
  if (status === undefined) return undefined
  const {
    code,
    message,
    detail = message,
    field,
    suggestions,
  } = error as Partial<WebhookSenderError> & EventsError
  if (status === 503) return new PortalProblem(status, code, OURS)
  return new PortalProblem(status, code, detail, { field, suggestions })
}

/** Writes a problem down. */
export function problemResponse({
  status,
  code,
  message,
  field,
  suggestions,
  headers,
}: PortalProblem): Response {
  const title = TITLES[status] ?? 'Error'
  const body = { type: 'about:blank', title, status, code, detail: message, field, suggestions }
  return new Response(JSON.stringify(body), {
    status,
    headers: { 'content-type': 'application/problem+json', ...headers },
  })
}
