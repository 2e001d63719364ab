import type { RequestHandler } from 'express'
import { rateLimit } from 'express-rate-limit'
import { sendProblem } from './problem.ts'

/** How often somebody may be wrong about who they are, from one address and on one node. */
export interface AuthenticationLimits {
  /** In 15 minutes, at the login. */
  readonly failedLogins: number
  /** In a minute, with tokens that are not valid. */
  readonly refusedTokens: number
}

/** Defaults of {@link AuthenticationLimits}. */
export const AUTHENTICATION_LIMITS: AuthenticationLimits = { failedLogins: 10, refusedTokens: 60 }

/** Counts the answers that say 401; past the limit, everything is answered with 429 for a while. */
export function limitRefusals(limit: number, windowMs: number): RequestHandler {
  return rateLimit({
    limit,
    windowMs,
    standardHeaders: 'draft-8',
    legacyHeaders: false,
    skipSuccessfulRequests: true,
    requestWasSuccessful: (_request, response) => response.statusCode !== 401,
    handler: (_request, response) =>
      sendProblem(response, 429, { detail: 'Too many attempts; wait as long as Retry-After says.' }),
  })
}
