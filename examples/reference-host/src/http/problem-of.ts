import { EventsError } from '@x/events-core'
import { z } from 'zod'
import { EntityConflictError, EntityNotFoundError, InvalidInputError } from '../domain/errors.ts'
import { type ProblemDetails, ProblemError } from './problem.ts'

interface Problem extends ProblemDetails {
  readonly status: number
}

/** What an error means to whoever sent the request; undefined when it is the host's own fault. */
export function problemOf(error: unknown): Problem | undefined {
  if (error instanceof ProblemError) {
    return { status: error.status, detail: error.message, errors: error.errors }
  }
  if (error instanceof EntityNotFoundError) return { status: 404, detail: error.message }
  if (error instanceof EntityConflictError) return { status: 409, detail: error.message }
  if (error instanceof InvalidInputError) return { status: 400, detail: error.message, errors: error.errors }
  if (error instanceof z.ZodError) return problemOf(invalidInput(error))
  if (EventsError.is(error)) return packageProblem(error)
  return frameworkProblem(error)
}

// Errors of the engine and the sender that input leads to; what else they throw is the host's fault.
const STATUS_BY_CODE: Readonly<Record<string, number>> = {
  invalid_endpoint: 400,
  invalid_url: 400,
  forbidden_address: 400,
  invalid_secret: 400,
  endpoint_not_found: 404,
  version_conflict: 409,
  data_too_large: 413,
}

function packageProblem(error: EventsError): Problem | undefined {
  const status = STATUS_BY_CODE[error.code]
  if (status === undefined) return undefined
  const field = 'field' in error && typeof error.field === 'string' ? error.field : undefined
  return { status, detail: error.message, errors: field ? { [field]: [error.message] } : undefined }
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
