import { WebhookSenderError, type WebhookSenderErrorCode } from '@x/sender'

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
}

/** Ends the handling of a request with a problem document (RFC 9457). */
export class PortalProblem extends Error {
  readonly status: number
  readonly code: string
  /** The field of the input that was wrong: what a form marks. */
  readonly field: string | undefined
  readonly headers: Readonly<Record<string, string>>

  constructor(
    status: number,
    code: string,
    detail: string,
    options: { readonly field?: string; readonly headers?: Readonly<Record<string, string>> } = {},
  ) {
    super(detail)
    this.status = status
    this.code = code
    this.field = options.field
    this.headers = options.headers ?? {}
  }
}

const STATUS: Partial<Record<WebhookSenderErrorCode, number>> = {
  invalid_argument: 400,
  invalid_endpoint: 400,
  invalid_url: 400,
  invalid_secret: 400,
  invalid_event_type: 400,
  forbidden_address: 400,
  endpoint_not_found: 404,
  delivery_not_found: 404,
  job_not_found: 404,
  version_conflict: 409,
  too_many_endpoints: 409,
  endpoint_disabled: 409,
  delivery_cancelled: 409,
  delivery_not_pending: 409,
}

/** The problem that an error stands for; undefined when the caller has no part in it. */
export function problemOf(error: unknown): PortalProblem | undefined {
  if (error instanceof PortalProblem) return error
  if (!WebhookSenderError.is(error)) return undefined
  const { code, message, field } = error as WebhookSenderError
  const status = STATUS[code]
  return status === undefined
    ? undefined
    : new PortalProblem(status, code, message, field === undefined ? {} : { field })
}

/** Writes a problem down. */
export function problemResponse({ status, code, message, field, headers }: PortalProblem): Response {
  const title = TITLES[status] ?? 'Error'
  const body = { type: 'about:blank', title, status, code, detail: message, field }
  return new Response(JSON.stringify(body), {
    status,
    headers: { 'content-type': 'application/problem+json', ...headers },
  })
}
