import { type ExpressPortal, expressPortal, type PortalUser } from '@x/portal/express'
import type { Request } from 'express'
import type { Services } from '../composition/services.ts'
import { bearerToken } from '../http/authorize.ts'
import { sessionToken } from '../http/session-cookie.ts'

/**
 * Where a tenant's administrators look after its webhooks. Whose they are is told by the token alone, or
 * by who is logged in.
 */
export function webhookPortal({ sender, logger, tokenRepository }: Services): ExpressPortal<Request> {
  async function authorize(request: Request): Promise<PortalUser | undefined> {
    const token = bearerToken(request.headers.authorization)
    if (token !== undefined) {
      const holder = await tokenRepository.findHolder(token)
      return holder && { tenantId: holder.tenantId, role: 'manager' }
    }
    // The portal itself sees to it that no other site makes a browser ask.
    const session = sessionToken(request)
    if (session === undefined) return undefined
    const user = await request.services.sessionRepository.findUser(session)
    return user?.isAdmin ? { tenantId: user.tenantId, role: 'manager' } : undefined
  }
  return expressPortal({ sender, logger, authorize })
}
