import { PortalProblem } from '../problem.ts'

/**
 * Reads a time in ISO 8601, such as `2026-01-31T12:00:00Z`.
 *
 * @returns undefined when there is none.
 * @throws PortalProblem 400
 */
export function readTime(field: string, value: unknown): Date | undefined {
  if (value === null || value === undefined) return undefined
  const time = typeof value === 'string' && /^\d{4}-\d\d-\d\d/.test(value) ? new Date(value) : undefined
  if (time && !Number.isNaN(time.getTime())) return time
  throw new PortalProblem(400, 'invalid_argument', `${field} must be a time such as 2026-01-31T12:00:00Z.`, {
    field,
  })
}

/** A number of a query; undefined when there is none, NaN when it is something else. */
export function readNumber(query: URLSearchParams, field: string): number | undefined {
  const text = query.get(field)
  return text === null ? undefined : Number(text)
}
