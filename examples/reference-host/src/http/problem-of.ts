import type { EventsError } from '@x/events-core'
import { statusOfError, TooManyGuessesError } from '@x/portal'
import { z } from 'zod'
import { EntityConflictError, EntityNotFoundError, InvalidInputError } from '../domain/errors.ts'
import { type ProblemDetails, ProblemError } from './problem.ts'

interface Problem extends ProblemDetails {
  readonly status: number
  readonly retryAfterSeconds?: number | undefined
}

/** What an error means to whoever sent the request; undefined when it is the host's own fault. */
export function problemOf(error: unknown): Problem | undefined {
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
