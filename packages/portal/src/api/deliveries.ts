import type { DeliveryState, WebhookSender } from '@x/sender'
import { readTime } from '../read-query.ts'
import type { Route } from '../router.ts'
import { pageOf, readLimit } from './page.ts'

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
          endpointId: query.get('endpointId'),
          // The sender refuses what is none.
          state: query.get('state') as DeliveryState | undefined,
          eventType: query.get('eventType'),
          createdAfter: readTime('createdAfter', query.get('createdAfter')),
          createdBefore: readTime('createdBefore', query.get('createdBefore')),
          before: query.get('before'),
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
