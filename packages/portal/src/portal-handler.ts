import { shown, silentLogger } from '@x/events-core'
import type { WebhookSender } from '@x/sender'
import { alertRoutes } from './api/alerts.ts'
import { auditLogRoutes } from './api/audit-log.ts'
import { deliveryRoutes } from './api/deliveries.ts'
import { endpointRoutes } from './api/endpoints.ts'
import { eventTypeRoutes } from './api/event-types.ts'
import { jobRoutes } from './api/jobs.ts'
import { raisedEventRoutes } from './api/raised-events.ts'
import { statisticsRoutes } from './api/statistics.ts'
import { type PortalEngine, subscriptionRoutes } from './api/subscriptions.ts'
import { checkedUser, type PortalUser } from './authorize.ts'
import { openApiRoute } from './describe/open-api.ts'
import { readFields } from './describe/read-fields.ts'
import { readQuery } from './describe/read-query.ts'
import type { Route } from './describe/route.ts'
import { createGuessLimit } from './guess-limit.ts'
import {
  type CreatePortalLink,
  isWebUrl,
  type PortalLink,
  type RevokePortalLinks,
} from './links/link-options.ts'
import { createLinks } from './links/links.ts'
import { createChangeWatcher } from './live/change-watcher.ts'
import { createLiveConnections, liveRoute } from './live/live-connections.ts'
import { isNormalPath } from './normal-path.ts'
import { createPages } from './pages/serve-pages.ts'
import { assertParts, type PortalParts } from './portal-options.ts'
import { PortalProblem, problemOf, problemResponse } from './problem.ts'
import { createRouter } from './router.ts'
import { assertSameOrigin } from './same-origin.ts'
import type { Identity } from './session/identity.ts'
import { createSessions, sessionRoutes } from './session/sessions.ts'
import { resolveAppearance } from './theme/theme.ts'

/** A request, as the adapter that it came in by knows it. */
export interface Arrival {
  /**
   * The request itself.
   *
   * @throws PortalProblem where there can be none.
   */
  request(): Request
  /** The path as it was asked for, before anything has tidied it up. */
  readonly path: string
  readonly basePath: string
  /** Where it comes from. */
  client(): string | undefined | Promise<string | undefined>
  /** Tells who asks; called once. */
  identify(): PortalUser | undefined | Promise<PortalUser | undefined>
}

/** Makes links into a portal. */
export interface PortalLinks {
  /**
   * Makes a link that signs in whoever opens it first, as a user of one tenant and role, for a bounded time: to be sent, or to be
   * shown in a frame. It takes the option `links`.
   *
   * @throws PortalLinkError `invalid_link`, `links_not_configured`
   * @example
   * ```ts
   * import type { Portal } from '@x/portal'
   *
   * async function linkForCustomer(portal: Portal, tenantId: number): Promise<string> {
   *   const { url } = await portal.createLink({ tenantId, role: 'viewer', expiresInSeconds: 3_600 })
   *   return url
   * }
   * ```
   */
  createLink(options: CreatePortalLink): Promise<PortalLink>
  /**
   * Revokes the links of a tenant that were made so far, on every node: those that nobody has opened yet, and the sessions of those
   * that somebody has. Pages that are open then hear nothing more within ten minutes, and get nothing more at once.
   *
   * @throws PortalLinkError `invalid_link`
   * @example
   * ```ts
   * import type { Portal } from '@x/portal'
   *
   * async function contractEnded(portal: Portal, tenantId: number): Promise<void> {
   *   await portal.revokeLinks({ tenantId })
   * }
   * ```
   */
  revokeLinks(options: RevokePortalLinks): Promise<void>
}

/** A portal, before it is mounted. */
export interface PortalHandler extends PortalLinks {
  /** Answers a request; never rejects. */
  handle(arrival: Arrival): Promise<Response>
}

const NOT_FOUND =
  'There is nothing at this path. Each path has one spelling here: no dots, double slashes or needless escapes.'

/**
 * Finds out where a request comes from.
 *
 * @throws TypeError where the host's `clientOf` gives anything but a text, of which its log tells.
 */
async function clientOf(arrival: Arrival): Promise<string | undefined> {
  const client: unknown = await arrival.client()
  if (client === undefined || typeof client === 'string') return client
  throw new TypeError(
    `createPortal: clientOf must give where a request comes from, a text, or undefined; got ${shown(client)}`,
  )
}

/**
 * The portal itself: pages and routes below whatever it is mounted at.
 *
 * @throws TypeError or RangeError for an option that cannot be used, naming it.
 */
export function createPortalHandler(parts: PortalParts): PortalHandler {
  assertParts(parts)
  const { sender, engine, logger = silentLogger, guessLimit = createGuessLimit() } = parts
  const { credentialHeaders = ['authorization'], challenge = 'Bearer' } = parts
  const live = createLiveConnections({
    watcher: createChangeWatcher({ sender, logger }),
    signal: parts.signal,
  })
  const appearance = resolveAppearance(parts)
  const pages = createPages(parts, appearance.logo)
  const links = createLinks(parts.links, sender)
  const { verifiesOwnership } = sender.endpoints
  const sessions = createSessions({ signIn: parts.signIn, links, appearance, guessLimit, verifiesOwnership })
  const routes = [
    ...portalRoutes(sender, engine, keysUrlOf(parts)),
    liveRoute(live),
    ...sessionRoutes(sessions),
  ]
  const router = createRouter([...routes, openApiRoute(routes)])

  async function identify(request: Request, arrival: Arrival, client: string | undefined): Promise<Identity> {
    const given = credentialHeaders.map((name) => request.headers.get(name))
    const hasCredentials = given.some((value) => value !== null)
    const opened = await sessions.linkOf(request)
    if (opened) return opened
    const ask = async () => checkedUser(await arrival.identify())
    // The host is not asked about those who have guessed too often.
    const guess = { client, credential: given.join('\n') }
    const user = await (hasCredentials ? guessLimit.find(guess, ask) : ask())
    const own: Identity = user ? { user, by: 'host' } : await sessions.tokenOf(request)
    // Whoever sends credentials of their own means these.
    if (hasCredentials) return own
    // What a link has left in the browser hides nobody's own tenant.
    const link = await sessions.cookieLinkOf(request)
    return own.user && own.user.tenantId !== link.user?.tenantId ? own : link
  }

  function unauthorized(request: Request, basePath: string): PortalProblem {
    const [scheme] = challenge.split(' ')
    const how = `with each request, in the header Authorization: ${scheme} ...`
    const given = request.headers.get('authorization')
    const detail =
      given === null ? 'Nobody is signed in.' : 'The credentials that came along belong to nobody here.'
    const signIn = parts.signIn ? `, or sign in with POST ${basePath}/api/session` : ''
    return new PortalProblem(401, 'unauthorized', `${detail} Send those of the application ${how}${signIn}.`)
  }

  async function answer(arrival: Arrival): Promise<Response> {
    const { basePath, path: whole } = arrival
    const isBelow = whole === basePath || whole.startsWith(`${basePath}/`)
    if (!isBelow || !isNormalPath(whole)) throw new PortalProblem(404, 'not_found', NOT_FOUND)
    const request = arrival.request()
    const path = whole.slice(basePath.length)
    if (path !== '/api' && !path.startsWith('/api/')) return pages(request, path, basePath)
    const client = await clientOf(arrival)
    const identity = await identify(request, arrival, client)
    const found = router({
      method: request.method,
      path,
      user: identity.user,
      unauthorized: () => unauthorized(request, basePath),
    })
    const { route, id } = found
    assertSameOrigin(request)
    const query = readQuery(new URL(request.url).search, route.query)
    const fields = route.method === 'GET' ? {} : await readFields(request, route.fields)
    const call = { request, client, identity, id, query, fields, basePath }
    return found.user ? found.route.handle({ ...call, user: found.user }) : found.route.handle(call)
  }

  async function handle(arrival: Arrival): Promise<Response> {
    const response = await answer(arrival).catch((error: unknown) => {
      const problem = problemOf(error)
      // What is for the host to put right, only its log says.
      if ((problem?.status ?? 500) >= 500) {
        logger.error({ err: error, path: arrival.path }, 'The webhook portal failed')
      }
      return problemResponse(
        problem ?? new PortalProblem(500, 'internal_error', 'Something went wrong here; try again.'),
      )
    })
    if (response.status === 401) response.headers.set('www-authenticate', challenge)
    // What is said of one tenant, and may hold secrets, is kept nowhere.
    if (!response.headers.has('cache-control')) response.headers.set('cache-control', 'no-store')
    response.headers.set('x-content-type-options', 'nosniff')
    return response
  }

  return { handle, createLink: links.create, revokeLinks: links.revoke }
}

/** @throws TypeError */
function keysUrlOf({ keysUrl }: PortalParts): string | undefined {
  if (keysUrl === undefined || isWebUrl(keysUrl)) return keysUrl?.replace(/\/+$/, '')
  throw new TypeError(
    `The portal's keysUrl must be where receivers find public keys, such as 'https://app.example.com/.well-known/webhook-keys'; got ${JSON.stringify(keysUrl)}.`,
  )
}

/** The routes of what the sender and the engine do. */
export function portalRoutes(sender: WebhookSender, engine?: PortalEngine, keysUrl?: string): Route[] {
  return [
    ...endpointRoutes(sender, keysUrl),
    ...deliveryRoutes(sender),
    ...raisedEventRoutes(sender),
    ...jobRoutes(sender),
    ...auditLogRoutes(sender),
    ...alertRoutes(sender),
    ...eventTypeRoutes(sender),
    ...statisticsRoutes(sender),
    ...(engine ? subscriptionRoutes(engine) : []),
  ]
}
