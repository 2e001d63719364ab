import type { Request, RequestHandler } from 'express'
import { ipKeyGenerator, rateLimit } from 'express-rate-limit'
import { sendProblem } from './problem.ts'

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
export function limitLogins(): RequestHandler[] {
  const failed = {
    ...shared,
    windowMs: LOGIN_WINDOW_MS,
    skipSuccessfulRequests: true,
    requestWasSuccessful: (_request: Request, response: { readonly statusCode: number }) =>
      response.statusCode !== 401,
  } as const
  const keyGenerator = (request: Request) => `${addressOf(request)} ${JSON.stringify(request.body?.username)}`
  return [
    rateLimit({ ...failed, limit: 100, keyGenerator: addressOf }),
    rateLimit({ ...failed, limit: 5, keyGenerator }),
  ]
}
