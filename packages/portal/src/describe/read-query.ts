import { invalidArgument, PortalProblem } from '../problem.ts'
import { assertPlainText } from '../read-json.ts'
import type { QueryOf, QueryParameters } from './route.ts'

/**
 * Reads the query of a URL, each parameter of it once. A parameter that is not described is refused: it is a slip that would go unnoticed,
 * and widen what is asked for.
 *
 * @throws PortalProblem 400
 */
export function readQuery(search: string, parameters: QueryParameters = {}): QueryOf<QueryParameters> {
  try {
    decodeURIComponent(search)
  } catch {
    throw new PortalProblem(400, 'invalid_query', 'The query has an escape (%) that stands for no character.')
  }
  const query = new URLSearchParams(search)
  const read: Record<string, unknown> = {}
  for (const [name, value] of query) {
    const parameter = Object.hasOwn(parameters, name) ? parameters[name] : undefined
    if (!parameter) throw unknownParameter(name, Object.keys(parameters))
    if (query.getAll(name).length > 1) throw invalidArgument(name, `${name} must be given once.`)
    assertPlainText(name, value)
    read[name] = parameter.read(name, value)
  }
  return read
}

function unknownParameter(name: string, known: readonly string[]): PortalProblem {
  const shown = name.slice(0, 80)
  const rest = known.length === 0 ? 'this path takes none' : `known are ${known.join(', ')}`
  const detail = `There is no parameter ${JSON.stringify(shown)}; ${rest}.`
  return new PortalProblem(400, 'unknown_parameter', detail, { field: shown })
}
