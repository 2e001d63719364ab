import { z } from 'zod'
import { route } from '../http/route.ts'

const WEEK_SECONDS = 7 * 24 * 60 * 60

/** Links that hand the webhook portal to somebody without an account here. */
export const portalLinkRoutes = [
  route({
    tag: 'Token',
    audience: 'administrators',
    method: 'post',
    path: '/api/PortalLink',
    summary: 'Makes a link into the webhook portal, good once, for this tenant',
    input: z
      .object({
        role: z.enum(['viewer', 'manager']).default('viewer'),
        /** How long the link can be opened. */
        expiresInSeconds: z.int().min(1).max(WEEK_SECONDS).optional(),
        /** Where the portal leads back to. */
        returnUrl: z
          .url({ protocol: /^https?$/ })
          .max(2_000)
          .optional(),
      })
      .prefault({}),
    status: 201,
    output: z.object({ url: z.url(), expiresOn: z.iso.datetime() }),
    async handle({ services: { portal, tenantManager }, input, request }) {
      const { tenantId } = tenantManager
      // Each tenant's own: its name in the address is how this host knows it.
      const portalUrl = `${request.protocol}://${request.get('host')}/portal`
      const { url, expiresOn } = await portal.createLink({ ...input, tenantId, portalUrl })
      return { url, expiresOn: expiresOn.toISOString() }
    },
  }),
]
