import { type ExpressPortal, expressPortal, type PortalUser } from '@x/portal/express'
import type { Request } from 'express'
import type { Services } from '../host/services.ts'
import { isFirstTenant } from '../host/tenants.ts'
import { bearerToken } from '../people/caller.ts'
import { sessionToken } from '../people/sessions.ts'

/**
 * Where a tenant's administrators look after its webhooks. Whose they are is told by the token alone, in
 * the Authorization header or typed into the portal, or by who is logged in. The first tenant's also look
 * after the host.
 */
export function webhookPortal(services: Services): ExpressPortal<Request> {
  const { sender, engine, logger, db, tokenRepository, portalSecret, closing, guessLimit } = services

  async function managerOf(tenantId: number, name: string): Promise<PortalUser> {
    return { tenantId, name, role: 'manager', operator: await isFirstTenant(db, tenantId) }
  }

  async function userOf(token: string): Promise<PortalUser | undefined> {
    const holder = await tokenRepository.findHolder(token)
    return holder && managerOf(holder.tenantId, holder.name)
  }

  async function authorize(request: Request): Promise<PortalUser | undefined> {
    const token = bearerToken(request.headers.authorization)
    if (token !== undefined) return userOf(token)
    // The portal itself sees to it that no other site makes a browser ask.
    const session = sessionToken(request)
    if (session === undefined) return undefined
    const user = await request.services.sessionRepository.findUser(session)
    return user?.isAdmin ? managerOf(user.tenantId, user.username) : undefined
  }

  return expressPortal({
    sender,
    engine,
    logger,
    signal: closing.signal,
    authorize,
    guessLimit,
    links: { secret: portalSecret },
    signIn: { userOf, secret: portalSecret, label: 'Admin token' },
  })
}
