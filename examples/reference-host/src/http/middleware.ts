import type { IncomingHttpHeaders } from 'node:http'
import type { AwilixContainer } from 'awilix'
import { type Request, type RequestHandler, Router } from 'express'
import { ipKeyGenerator, rateLimit } from 'express-rate-limit'
import { findAlias } from '../entities/alias.ts'
import type { Services } from '../host/services.ts'
import { ProblemError, sendProblem } from './problems.ts'

declare global {
  namespace Express {
    interface Request {
      /** Names this request in the log, and in responses that tell of a failure. */
      requestId: string
      /** The services of this request alone, bound to the tenant of its alias. */
      services: Services
    }
  }
}

/** Refuses a request whose `Host` names none (RFC 9112, 3.2), before anything builds a URL of it. */
export const checkHost: RequestHandler = (request, _response, next) => {
  const { host } = request.headers
  if (!host || !/^[\w.:[\]-]+$/.test(host) || !URL.canParse(`http://${host}`)) {
    throw new ProblemError(400, 'The Host header is not a host name.')
  }
  next()
}

/**
 * Opens a scope of services for each request, and tells it whose work it does: the alias is found by
 * the name and port that the client asked for.
 */
export function openRequestScope(container: AwilixContainer<Services>): RequestHandler {
  return async (request, response, next) => {
    const scope = container.createScope()
    response.on('close', () => void scope.dispose())
    const services = scope.cradle
    const alias = await findAlias(services.db, request.headers.host ?? '')
    if (!alias) throw new ProblemError(404, 'No site is reached under this host name.')
    services.tenantManager.setAlias(alias)
    request.services = services
    next()
  }
}

/** What is said to whoever has a token or a session is for them, and kept nowhere. */
export const noStore: RequestHandler = (_request, response, next) => {
  response.set('cache-control', 'no-store')
  next()
}

/**
 * Refuses changes that another site makes a browser ask for, with the cookie that the browser sends
 * along. A token in a header comes from no browser by itself, so that those requests pass.
 */
export const refuseCrossSite: RequestHandler = (request, _response, next) => {
  const { method, headers } = request
  if (method === 'GET' || method === 'HEAD' || headers.authorization !== undefined) return next()
  if (isCrossSite(headers))
    throw new ProblemError(403, 'Changes must be asked for from the pages of this site.')
  next()
}

/**
 * The same for a GET that leaves a record. Whoever types the address, or follows a link to it from wherever, does
 * ask for it; a page that embeds it, fetches it or sends the browser there by itself does not.
 */
export const refuseCrossSiteGet: RequestHandler = ({ headers }, _response, next) => {
  const isFollowed = headers['sec-fetch-mode'] === 'navigate' && headers['sec-fetch-user'] === '?1'
  if (headers.authorization === undefined && isCrossSite(headers) && !isFollowed) {
    throw new ProblemError(403, 'This must be asked for from the pages of this site, or by following a link.')
  }
  next()
}

function isCrossSite({ 'sec-fetch-site': fetchSite, origin, host }: IncomingHttpHeaders): boolean {
  // Browsers too old to say it name the origin, if they say anything.
  if (fetchSite === undefined) return origin !== undefined && URL.parse(origin)?.host !== host
  return fetchSite !== 'same-origin' && fetchSite !== 'none'
}

const LOGIN_WINDOW_MS = 15 * 60 * 1_000

// Each node counts for itself. Behind proxies, TRUSTED_PROXIES has to say how many: else all have one address.
const shared = {
  standardHeaders: 'draft-8',
  legacyHeaders: false,
  handler: (_request: Request, response: Parameters<typeof sendProblem>[0]) =>
    sendProblem(response, 429, { detail: 'Too many attempts; wait as long as Retry-After says.' }),
} as const

const addressOf = ({ ip = '' }: Request) => ipKeyGenerator(ip)

/** Lets an address be wrong about one user five times in 15 minutes, and about all users a hundred times. */
export function createLoginLimits(): RequestHandler {
  const failed = {
    ...shared,
    windowMs: LOGIN_WINDOW_MS,
    skipSuccessfulRequests: true,
    requestWasSuccessful: (_request: Request, response: { readonly statusCode: number }) =>
      response.statusCode !== 401,
  } as const
  const keyGenerator = (request: Request) => `${addressOf(request)} ${JSON.stringify(request.body?.username)}`
  return Router().use(
    rateLimit({ ...failed, limit: 100, keyGenerator: addressOf }),
    rateLimit({ ...failed, limit: 5, keyGenerator }),
  )
}

/** The limits of this host, which begin anew with each. */
export const limitLogins: RequestHandler = (request, response, next) =>
  request.services.loginLimits(request, response, next)
