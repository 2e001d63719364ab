import { type Logger, silentLogger } from '@x/events-core'
import type { WebhookSender } from '@x/sender'
import { deliveryRoutes } from './api/deliveries.ts'
import { endpointRoutes } from './api/endpoints.ts'
import { jobRoutes } from './api/jobs.ts'
import { statisticsRoutes } from './api/statistics.ts'
import type { PortalUser } from './authorize.ts'
import { PortalProblem, problemOf, problemResponse } from './problem.ts'
import { createRouter } from './router.ts'
import { demandSameOrigin } from './same-origin.ts'

/** What the portal is about, however it is mounted. */
export interface PortalParts {
  readonly sender: WebhookSender
  /**
   * Hears of what went wrong inside; callers only learn that something did.
   * @defaultValue silent
   */
  readonly logger?: Logger | undefined
}

/**
 * Answers a request below a base path.
 *
 * @param identify - tells who asks; called once.
 */
export type PortalHandler = (
  request: Request,
  basePath: string,
  identify: () => PortalUser | undefined | Promise<PortalUser | undefined>,
) => Promise<Response>

/** The portal itself: routes below whatever it is mounted at. */
export function createPortalHandler({ sender, logger = silentLogger }: PortalParts): PortalHandler {
  const route = createRouter([
    ...endpointRoutes(sender),
    ...deliveryRoutes(sender),
    ...jobRoutes(sender),
    ...statisticsRoutes(sender),
  ])

  async function answer(...[request, basePath, identify]: Parameters<PortalHandler>): Promise<Response> {
    const { pathname, searchParams: query } = new URL(request.url)
    if (pathname !== basePath && !pathname.startsWith(`${basePath}/`)) {
      throw new PortalProblem(404, 'not_found', 'There is nothing at this path.')
    }
    const user = await identify()
    if (!user) throw new PortalProblem(401, 'unauthorized', 'Who asks is not known here.')
    const found = route(request.method, pathname.slice(basePath.length), user)
    demandSameOrigin(request)
    return found.route.handle({ request, user, id: found.id, query, basePath })
  }

  return async (request, basePath, identify) => {
    const response = await answer(request, basePath, identify).catch((error: unknown) => {
      const problem = problemOf(error)
      if (problem) return problemResponse(problem)
      logger.error({ err: error, method: request.method, url: request.url }, 'The webhook portal failed')
      return problemResponse(
        new PortalProblem(500, 'internal_error', 'Something went wrong here; try again.'),
      )
    })
    // It is about one tenant, and may hold secrets.
    response.headers.set('cache-control', 'no-store')
    response.headers.set('x-content-type-options', 'nosniff')
    return response
  }
}
