import { invalidArgument, PortalProblem } from './problem.ts'
import { assertPlainText } from './read-json.ts'

/** The parameters of a query, by name; each once. */
export type Query = ReadonlyMap<string, string>

/**
 * Reads the query of a URL. A parameter that is not known is refused: it is a slip that would go unnoticed, and
 * widen what is asked for.
 *
 * @throws PortalProblem 400
 */
export function readQuery(search: string, known: readonly string[]): Query {
  try {
    decodeURIComponent(search)
  } catch {
    throw new PortalProblem(400, 'invalid_query', 'The query has an escape (%) that stands for no character.')
  }
  const query = new Map<string, string>()
  for (const [name, value] of new URLSearchParams(search)) {
    const shown = name.slice(0, 80)
    if (!known.includes(name)) {
      const rest = known.length === 0 ? 'this path takes none' : `known are ${known.join(', ')}`
      throw new PortalProblem(
        400,
        'unknown_parameter',
        `There is no parameter ${JSON.stringify(shown)}; ${rest}.`,
        { field: shown },
      )
    }
    if (query.has(name)) throw invalidArgument(name, `${name} must be given once.`)
    assertPlainText(name, value)
    query.set(name, value)
  }
  return query
}

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
  throw invalidArgument(field, `${field} must be a time such as 2026-01-31T12:00:00Z.`)
}

/** A number of a query; undefined when there is none, NaN when it is something else. */
export function readNumber(query: Query, field: string): number | undefined {
  const text = query.get(field)
  return text === undefined ? undefined : text.trim() === '' ? Number.NaN : Number(text)
}
