import type { WebhookSender } from '@x/sender'
import { type Route, route } from '../describe/route.ts'
import { text, time } from '../describe/schema.ts'
import { delivery, deliveryDetails, deliveryState } from './delivery-schemas.ts'
import { PAGE_QUERY, pageOf, pageSchema } from './page.ts'

/** Deliveries of the user's tenant. */
export function deliveryRoutes({ deliveries }: WebhookSender): Route[] {
  return [
    route({
      method: 'GET',
      path: '/api/deliveries',
      role: 'viewer',
      operationId: 'listDeliveries',
      summary: 'List deliveries, the newest first',
      response: pageSchema(delivery),
      query: {
        endpointId: text('Those of this endpoint.'),
        state: deliveryState,
        eventType: text('Those of this event type, exactly.'),
        createdAfter: time('Those created at this time or later.'),
        createdBefore: time('Those created before this time.'),
        ...PAGE_QUERY,
      },
      async handle({ user, query }) {
        const { limit, ...filter } = query
        const { tenantId } = user
        return Response.json(
          await pageOf(limit, (most) => deliveries.list({ ...filter, tenantId, limit: most })),
        )
      },
    }),
    route({
      method: 'GET',
      path: '/api/deliveries/:id',
      role: 'viewer',
      operationId: 'getDelivery',
      summary: 'Get a delivery with its body and attempts',
      response: deliveryDetails,
      async handle({ id, user }) {
        return Response.json(await deliveries.get(id, { tenantId: user.tenantId }))
      },
    }),
    route({
      method: 'POST',
      path: '/api/deliveries/:id/resend',
      role: 'manager',
      operationId: 'resendDelivery',
      summary: 'Send a delivery once more',
      status: 202,
      response: delivery,
      async handle({ id, user }) {
        return Response.json(await deliveries.resend(id, { tenantId: user.tenantId }), { status: 202 })
      },
    }),
    route({
      method: 'POST',
      path: '/api/deliveries/:id/cancel',
      role: 'manager',
      operationId: 'cancelDelivery',
      summary: 'Cancel a pending delivery',
      response: delivery,
      async handle({ id, user }) {
        return Response.json(await deliveries.cancel(id, { tenantId: user.tenantId }))
      },
    }),
  ]
}
