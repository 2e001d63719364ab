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
  // What somebody asked to store is more than an event can carry.
  if (EventsError.is(error) && error.code === 'data_too_large') return { status: 413, detail: error.message }
  return frameworkProblem(error)
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
