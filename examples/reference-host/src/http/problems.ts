import { STATUS_CODES } from 'node:http'
import type { EventsError, Logger } from '@x/events-core'
import { statusOfError, TooManyGuessesError } from '@x/portal'
import type { ErrorRequestHandler, RequestHandler, Response } from 'express'
import { z } from 'zod'
import { EntityConflictError, EntityNotFoundError, InvalidInputError } from '../entity/errors.ts'

/** What is wrong, by the names of the fields that it is wrong with. */
type FieldErrors = Readonly<Record<string, readonly string[]>>

/** A refusal that code close to HTTP decides on; domain code throws errors of its own. */
export class ProblemError extends Error {
  override readonly name = 'ProblemError'
  readonly status: number
  readonly errors: FieldErrors | undefined

  /** @param detail - for whoever sent the request; it is part of the answer. */
  constructor(status: number, detail: string, errors?: FieldErrors) {
    super(detail)
    this.status = status
    this.errors = errors
  }
}

/** The parts of a problem document that differ from one to the next. */
interface ProblemDetails {
  /** What programs go by; told by the status when left out. */
  readonly code?: string | undefined
  readonly detail?: string | undefined
  readonly errors?: FieldErrors | undefined
  readonly requestId?: string | undefined
}

const CODES: Readonly<Record<number, string>> = {
  400: 'invalid_request',
  401: 'unauthorized',
  403: 'forbidden',
  404: 'not_found',
  409: 'conflict',
  413: 'content_too_large',
  415: 'unsupported_media_type',
  429: 'too_many_requests',
  503: 'unavailable',
}

/** Answers with a problem document (RFC 9457): every error of this host looks like this. */
export function sendProblem(response: Response, status: number, details: ProblemDetails = {}): void {
  const { code = CODES[status] ?? 'internal_error', ...rest } = details
  const [field] = Object.keys(rest.errors ?? {})
  const document = { type: 'about:blank', title: STATUS_CODES[status], status, code, ...rest, field }
  response
    .status(status)
    .set('cache-control', 'no-store')
    .type('application/problem+json')
    .send(JSON.stringify(document))
}

interface Problem extends ProblemDetails {
  readonly status: number
  readonly retryAfterSeconds?: number | undefined
}

/** What an error means to whoever sent the request; undefined when it is the host's own fault. */
function problemOf(error: unknown): Problem | undefined {
  if (error instanceof ProblemError) {
    return { status: error.status, detail: error.message, errors: error.errors }
  }
  if (error instanceof EntityNotFoundError) return { status: 404, detail: error.message }
  if (error instanceof EntityConflictError) return { status: 409, detail: error.message }
  if (error instanceof InvalidInputError) {
    return { status: 400, code: 'invalid_input', detail: error.message, errors: error.errors }
  }
  if (error instanceof z.ZodError) return problemOf(invalidInput(error))
  if (error instanceof TooManyGuessesError) {
    const { code, message, retryAfterSeconds } = error
    return { status: 429, code, detail: message, retryAfterSeconds }
  }
  const status = statusOfError(error)
  if (status === undefined) return frameworkProblem(error)
  const { code, message } = error as EventsError
  return {
    status,
    code,
    detail: status === 503 ? 'The host cannot do this now; its log tells why.' : message,
  }
}

function invalidInput(error: z.ZodError): InvalidInputError {
  const errors: Record<string, string[]> = {}
  for (const { path, message } of error.issues) {
    const field = path.length === 0 ? 'body' : path.join('.')
    errors[field] = [...(errors[field] ?? []), message]
  }
  return new InvalidInputError(errors)
}

// Express and its body parsers mark what the client did wrong with a status below 500.
const DETAILS: Readonly<Record<string, string>> = {
  'entity.parse.failed': 'The body is not JSON.',
  'entity.too.large': 'The body is too large.',
  'encoding.unsupported': 'The content encoding is not supported.',
  'charset.unsupported': 'The character set is not supported.',
}

function frameworkProblem(error: unknown): Problem | undefined {
  if (!(error instanceof Error) || !('status' in error)) return undefined
  const { status } = error
  if (typeof status !== 'number' || status < 400 || status > 499) return undefined
  const detail = DETAILS['type' in error ? String(error.type) : '']
  return { status, detail: detail ?? 'The request cannot be read.' }
}

/** Answers what no route took. */
export const noSuchRoute: RequestHandler = (_request, response) => {
  sendProblem(response, 404, { detail: 'There is nothing at this address.' })
}

// The client went away in the middle of an answer: nobody's fault, and nobody to tell.
function isClientGone(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ERR_STREAM_PREMATURE_CLOSE'
}

/**
 * Turns whatever a route threw into a problem document. Of what is the host's own fault the client
 * learns the id under which the log tells the rest.
 */
export function handleErrors(logger: Logger): ErrorRequestHandler {
  return (error, request, response, next) => {
    const problem = problemOf(error)
    const { requestId } = request
    const isOurs = (problem?.status ?? 500) >= 500 && !isClientGone(error)
    if (!isOurs) logger.debug({ requestId, err: error }, 'Refused a request')
    else
      logger.error({ requestId, err: error, method: request.method, path: request.path }, 'A request failed')
    // Part of an answer is out: all that is left is to end it, so that it is not taken for whole.
    if (response.headersSent) return next(error)
    if (problem) {
      const { status, retryAfterSeconds, ...details } = problem
      if (status === 401) response.set('www-authenticate', 'Bearer')
      if (retryAfterSeconds !== undefined) response.set('retry-after', String(retryAfterSeconds))
      return sendProblem(response, status, isOurs ? { ...details, requestId } : details)
    }
    sendProblem(response, 500, { detail: 'The host failed; its log tells why.', requestId })
  }
}
