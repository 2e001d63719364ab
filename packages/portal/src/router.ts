import type { PortalRole, PortalUser } from './authorize.ts'
import { PortalProblem } from './problem.ts'
import type { JsonFields } from './read-json.ts'

/** What a route is asked with. */
export interface RouteCall {
  readonly user: PortalUser
  /** What stands in the path for `:id`. */
  readonly id: string
  /** Parameters that the route knows. */
  readonly query: URLSearchParams
  /** Fields of the body that the route knows. */
  readonly fields: JsonFields
  /** What the portal's own paths begin with. */
  readonly basePath: string
}

/** One method of one path. */
export interface Route {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE'
  /** Below the portal's base path; one segment may be `:id`. */
  readonly path: string
  /** Who may: managers may do what viewers may; operators are either, and more. */
  readonly role: PortalRole | 'operator'
  /** Parameters that may stand in the query; any other is refused. @defaultValue none */
  readonly query?: readonly string[]
  /** Fields that may stand in the body; any other is refused. @defaultValue none */
  readonly fields?: readonly string[]
  handle(call: RouteCall): Promise<Response>
}

/** Finds the route of a request, and checks that its user may take it. */
export type Router = (
  method: string,
  path: string,
  user: PortalUser,
) => { readonly route: Route; readonly id: string }

/** @throws PortalProblem 403, 404, 405, from the router. */
export function createRouter(routes: readonly Route[]): Router {
  const compiled = routes.map((route) => ({
    route,
    pattern: new RegExp(`^${route.path.replace(':id', '(?<id>[^/]+)')}$`),
  }))

  return (method, path, user) => {
    const found = compiled.flatMap(({ route, pattern }) => {
      const match = pattern.exec(path)
      return match ? [{ route, id: decode(match.groups?.['id'] ?? '') }] : []
    })
    if (found.length === 0) throw new PortalProblem(404, 'not_found', 'There is nothing at this path.')
    const fitting = found.find(({ route }) => route.method === method)
    if (!fitting) {
      const allow = [...new Set(found.map(({ route }) => route.method))].join(', ')
      throw new PortalProblem(405, 'method_not_allowed', `This path knows ${allow}.`, { headers: { allow } })
    }
    const { role } = fitting.route
    if (role === 'manager' ? user.role !== 'manager' : role === 'operator' && user.operator !== true) {
      throw new PortalProblem(403, 'forbidden', `This needs the role ${role}.`)
    }
    return fitting
  }
}

function decode(segment: string): string {
  try {
    return decodeURIComponent(segment)
  } catch {
    return segment
  }
}
