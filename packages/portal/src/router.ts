import type { PortalUser } from './authorize.ts'
import type { OpenRoute, Route, UserRoute } from './describe/route.ts'
import { PortalProblem } from './problem.ts'

/** A route, and for whom it is. */
export type FoundRoute =
  | { readonly id: string; readonly route: OpenRoute; readonly user?: undefined }
  | { readonly id: string; readonly route: UserRoute; readonly user: PortalUser }

/** What a route is found by. */
export interface Wanted {
  readonly method: string
  readonly path: string
  readonly user: PortalUser | undefined
  /** Makes what is thrown where a route takes a user, and there is none. */
  unauthorized(): PortalProblem
}

/** Finds the route of a request, and checks that its user may take it. */
export type Router = (wanted: Wanted) => FoundRoute

/** @throws PortalProblem 401, 403, 404, 405, from the router. */
export function createRouter(routes: readonly Route[]): Router {
  const compiled = routes.map((route) => ({
    route,
    pattern: new RegExp(`^${route.path.replace(':id', '(?<id>[^/]+)')}$`),
  }))

  return ({ method, path, user, unauthorized }) => {
    const found = compiled.flatMap(({ route, pattern }) => {
      const match = pattern.exec(path)
      return match ? [{ route, id: decode(match.groups?.['id'] ?? '') }] : []
    })
    // Which paths there are is told only to users.
    if (!user && !found.some(({ route }) => route.role === 'anybody')) throw unauthorized()
    if (found.length === 0) throw new PortalProblem(404, 'not_found', 'There is nothing at this path.')
    const fitting = found.find(({ route }) => route.method === method)
    if (!fitting) {
      const allow = [...new Set(found.map(({ route }) => route.method))].join(', ')
      throw new PortalProblem(405, 'method_not_allowed', `This path knows ${allow}.`, { headers: { allow } })
    }
    const { route, id } = fitting
    if (route.role === 'anybody') return { route, id }
    if (!user) throw unauthorized()
    if (!mayTake(route, user)) throw new PortalProblem(403, 'forbidden', `This needs the role ${route.role}.`)
    return { route, id, user }
  }
}

function mayTake({ role }: UserRoute, user: PortalUser): boolean {
  if (role === 'operator') return user.operator === true
  return role === 'viewer' || user.role === 'manager'
}

function decode(segment: string): string {
  try {
    return decodeURIComponent(segment)
  } catch {
    return segment
  }
}
