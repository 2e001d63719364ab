import type { RequestHandler } from 'express'
import type { TokenHolder } from '../repositories/token-repository.ts'
import { ProblemError } from './problem.ts'

declare global {
  namespace Express {
    interface Request {
      /** Who sent the request, where it came with a token. */
      caller: TokenHolder | undefined
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
  if (authorization === undefined) return next()
  const { tokenRepository, tenantManager } = request.services
  const token = bearerToken(authorization)
  const holder = token === undefined ? undefined : await tokenRepository.findHolder(token)
  if (!holder) throw new ProblemError(401, 'The token is not valid.')
  if (holder.tenantId !== tenantManager.tenantId) {
    throw new ProblemError(403, 'The token belongs to another tenant than this host name.')
  }
  request.caller = holder
  next()
}

/** Lets through only who has a token of the tenant. */
export const requireAdmin: RequestHandler = (request, _response, next) => {
  if (!request.caller) throw new ProblemError(401, 'This needs an Authorization: Bearer header.')
  next()
}

/** Lets everybody read, and only who has a token of the tenant do anything else. */
export const requireAdminToWrite: RequestHandler = (request, response, next) => {
  if (request.method === 'GET' || request.method === 'HEAD') return next()
  return requireAdmin(request, response, next)
}
