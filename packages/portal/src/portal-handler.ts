import { type Logger, silentLogger } from '@x/events-core'
import type { WebhookSender } from '@x/sender'
import { deliveryRoutes } from './api/deliveries.ts'
import { endpointRoutes } from './api/endpoints.ts'
import { eventTypeRoutes } from './api/event-types.ts'
import { jobRoutes } from './api/jobs.ts'
import { statisticsRoutes } from './api/statistics.ts'
import { type PortalEngine, subscriptionRoutes } from './api/subscriptions.ts'
import type { PortalUser } from './authorize.ts'
import { createChangeWatcher } from './live/change-watcher.ts'
import { createLiveConnections } from './live/live-connections.ts'
import { createPages, type PageOptions } from './pages/serve-pages.ts'
import { PortalProblem, problemOf, problemResponse } from './problem.ts'
import { createRouter } from './router.ts'
import { demandSameOrigin } from './same-origin.ts'
import { createSessions } from './session/sessions.ts'
import type { SignInOptions } from './session/sign-in.ts'

/** What the portal is about, however it is mounted. */
export interface PortalParts extends PageOptions {
  readonly sender: WebhookSender
  /**
   * The host's engine, whose subscriptions operators look after.
   * @defaultValue none: nobody does, here
   */
  readonly engine?: PortalEngine | undefined
  /**
   * Has people sign in with a token, here in the portal.
   * @defaultValue none: the host knows who asks, by its own cookie or header
   */
  readonly signIn?: SignInOptions | undefined
  /**
   * Ends the live connections, which would otherwise hold up a server that closes.
   * @defaultValue none
   */
  readonly signal?: AbortSignal | undefined
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

/** The portal itself: pages and routes below whatever it is mounted at. */
export function createPortalHandler(parts: PortalParts): PortalHandler {
  const { sender, engine, logger = silentLogger } = parts
  const live = createLiveConnections({
    watcher: createChangeWatcher({ sender, logger }),
    signal: parts.signal,
  })
  const route = createRouter([
    ...endpointRoutes(sender),
    ...deliveryRoutes(sender),
    ...jobRoutes(sender),
    ...eventTypeRoutes(sender),
    ...statisticsRoutes(sender),
    ...(engine ? subscriptionRoutes(engine) : []),
    { method: 'GET', path: '/api/events', role: 'viewer', handle: async ({ user }) => live.open(user) },
  ])
  const pages = createPages(parts)
  const sessions = createSessions(parts.signIn)

  async function answer(...[request, basePath, identify]: Parameters<PortalHandler>): Promise<Response> {
    const { pathname, searchParams: query } = new URL(request.url)
    if (pathname !== basePath && !pathname.startsWith(`${basePath}/`)) {
      throw new PortalProblem(404, 'not_found', 'There is nothing at this path.')
    }
    const path = pathname.slice(basePath.length)
    if (path !== '/api' && !path.startsWith('/api/')) return pages(request, path, basePath)
    const known = await identify()
    if (path === '/api/session') {
      demandSameOrigin(request)
      return sessions.handle(request, basePath, known)
    }
    const user = known ?? (await sessions.userOf(request))
    if (!user) throw new PortalProblem(401, 'unauthorized', 'Who asks is not known here.')
    const found = route(request.method, path, user)
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
    // What is said of one tenant, and may hold secrets, is kept nowhere.
    if (!response.headers.has('cache-control')) response.headers.set('cache-control', 'no-store')
    response.headers.set('x-content-type-options', 'nosniff')
    return response
  }
}
