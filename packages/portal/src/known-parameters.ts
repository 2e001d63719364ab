import { invalidArgument, PortalProblem } from './problem.ts'
import { assertPlainText } from './read-json.ts'

/**
 * Reads the query of a URL, each parameter of it once. A parameter that is not known is refused: it is a slip that would go unnoticed, and
 * widen what is asked for.
 *
 * @throws PortalProblem 400
 */
export function knownParameters(search: string, known: readonly string[]): URLSearchParams {
  try {
    decodeURIComponent(search)
  } catch {
    throw new PortalProblem(400, 'invalid_query', 'The query has an escape (%) that stands for no character.')
  }
  const query = new URLSearchParams(search)
  for (const [name, value] of query) {
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
    if (query.getAll(name).length > 1) throw invalidArgument(name, `${name} must be given once.`)
    assertPlainText(name, value)
  }
  return query
}
