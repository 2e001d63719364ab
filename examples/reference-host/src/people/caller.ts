import type { Request, RequestHandler } from 'express'
import { ProblemError } from '../http/problems.ts'
import { type SessionUser, sessionToken } from './sessions.ts'
import type { TokenHolder } from './tokens.ts'

declare global {
  namespace Express {
    interface Request {
      /** Who sent the request, where it came with a token or from an administrator who is logged in. */
      caller: TokenHolder | undefined
      /** Who is logged in, where it came with a session's cookie. */
      user: SessionUser | undefined
    }
  }
}

const BEARER = /^Bearer +([\x21-\x7e]+)$/i

/** The token of an `Authorization: Bearer` header. */
export function bearerToken(header: string | undefined): string | undefined {
  return BEARER.exec(header ?? '')?.[1]
}

/**
 * Finds out who sent a request. No header: anybody, who may read what is public. A header that is
 * wrong is refused at once, and so is the token of another tenant: better than to answer as if to
 * anybody and leave the sender wondering.
 */
export const identifyCaller: RequestHandler = async (request, _response, next) => {
  const { authorization } = request.headers
  if (authorization === undefined) {
    await identifyUser(request)
    return next()
  }
  const { tokenRepository, tenantManager, guessLimit } = request.services
  const token = bearerToken(authorization)
  const holder = await guessLimit.find({ client: request.ip, credential: authorization }, async () =>
    token === undefined ? undefined : tokenRepository.findHolder(token),
  )
  if (!holder) {
    throw new ProblemError(401, 'The token is not valid. Send a good one, as Authorization: Bearer <token>.')
  }
  if (holder.tenantId !== tenantManager.tenantId) {
    throw new ProblemError(403, 'The token belongs to another tenant than this host name.')
  }
  request.caller = holder
  next()
}

/** A session that has ended, or never was, identifies nobody: what is public stays so. */
async function identifyUser(request: Request): Promise<void> {
  const token = sessionToken(request)
  if (token === undefined) return
  request.user = await request.services.sessionRepository.findUser(token)
  if (!request.user?.isAdmin) return
  const { tenantId, userId } = request.user
  request.caller = { tenantId, name: `user ${userId}` }
}

/** Lets through only requests with a token of the tenant, and those of its administrators who are logged in. */
export const requireAdmin: RequestHandler = (request, _response, next) => {
  if (!request.caller && request.user) throw new ProblemError(403, 'This is for administrators.')
  if (!request.caller)
    throw new ProblemError(401, 'This needs the header Authorization: Bearer <token>, or a login.')
  next()
}
