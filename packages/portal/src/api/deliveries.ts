import type { DeliveryState, WebhookSender } from '@x/sender'
import type { Route } from '../router.ts'
import { pageOf, readLimit } from './page.ts'
import { readTime } from './read-query.ts'

/** Deliveries of the user's tenant. */
export function deliveryRoutes({ deliveries }: WebhookSender): Route[] {
  return [
    {
      method: 'GET',
      path: '/api/deliveries',
      role: 'viewer',
      query: ['endpointId', 'state', 'eventType', 'createdAfter', 'createdBefore', 'before', 'limit'],
      async handle({ user, query }) {
        const filter = {
          tenantId: user.tenantId,
          endpointId: query.get('endpointId') ?? undefined,
          // The sender refuses what is none.
          state: (query.get('state') ?? undefined) as DeliveryState | undefined,
          eventType: query.get('eventType') ?? undefined,
          createdAfter: readTime('createdAfter', query.get('createdAfter')),
          createdBefore: readTime('createdBefore', query.get('createdBefore')),
          before: query.get('before') ?? undefined,
        }
        return Response.json(await pageOf(readLimit(query), (limit) => deliveries.list({ ...filter, limit })))
      },
    },
    {
      method: 'GET',
      path: '/api/deliveries/:id',
      role: 'viewer',
      async handle({ id, user }) {
        return Response.json(await deliveries.get(id, { tenantId: user.tenantId }))
      },
    },
    {
      method: 'POST',
      path: '/api/deliveries/:id/resend',
      role: 'manager',
      async handle({ id, user }) {
        return Response.json(await deliveries.resend(id, { tenantId: user.tenantId }), { status: 202 })
      },
    },
    {
      method: 'POST',
      path: '/api/deliveries/:id/cancel',
      role: 'manager',
      async handle({ id, user }) {
        return Response.json(await deliveries.cancel(id, { tenantId: user.tenantId }))
      },
    },
  ]
}
