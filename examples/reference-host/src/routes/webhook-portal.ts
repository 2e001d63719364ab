import { type ExpressPortal, expressPortal, type PortalUser } from '@x/portal/express'
import type { Request } from 'express'
import type { Services } from '../composition/services.ts'
import { bearerToken } from '../http/authorize.ts'

/** Where a tenant's administrators look after its webhooks: whose they are is told by the token alone. */
export function webhookPortal({ sender, logger, tokenRepository }: Services): ExpressPortal<Request> {
  async function authorize(request: Request): Promise<PortalUser | undefined> {
    const token = bearerToken(request.headers.authorization)
    const holder = token === undefined ? undefined : await tokenRepository.findHolder(token)
    return holder && { tenantId: holder.tenantId, role: 'manager' }
  }
  return expressPortal({ sender, logger, authorize })
}
