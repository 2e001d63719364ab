import { STATUS_CODES } from 'node:http'
import type { Response } from 'express'

/** What is wrong, by the names of the fields that it is wrong with. */
export type FieldErrors = Readonly<Record<string, readonly string[]>>

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
export interface ProblemDetails {
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
