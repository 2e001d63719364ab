import type { WebhookSender } from '@x/sender'
import { type PortalUser, scopeOf } from '../authorize.ts'
import { type Route, route } from '../describe/route.ts'
import { flag, text, whole } from '../describe/schema.ts'
import { PortalProblem } from '../problem.ts'
import { DELIVERY_FILTER } from './delivery-filter.ts'
import { attempt, delivery, deliveryCount, deliveryDetails } from './delivery-schemas.ts'
import { DEFAULT_LIMIT, PAGE_QUERY, pageBy, pageSchema, searchPageSchema } from './page.ts'

const MAX_ATTEMPTS = 2 ** 31 - 1

const REVEAL_QUERY = {
  revealHeaders: flag(
    'Whether to show the values of request headers that are masked otherwise. It takes the role manager.',
  ),
} as const

/** @throws PortalProblem 403 */
function mayReveal(
  { role }: PortalUser,
  { revealHeaders = false }: { revealHeaders: boolean | undefined },
): boolean {
  if (revealHeaders && role !== 'manager') {
    throw new PortalProblem(403, 'forbidden', 'To reveal headers needs the role manager.', {
      field: 'revealHeaders',
    })
  }
  return revealHeaders
}

/** Deliveries of the user's tenant. */
export function deliveryRoutes({ deliveries }: WebhookSender): Route[] {
  return [
    route({
      method: 'GET',
      path: '/api/deliveries',
      role: 'viewer',
      operationId: 'searchDeliveries',
      summary: 'Search deliveries, the newest first',
      description:
        'Looks at no more than about 2,500 deliveries, and at the bodies of 500. Where it ends before the page is full, `searchedBackTo` says how far it has looked, and `next` goes on from there.',
      response: searchPageSchema(delivery),
      query: {
        search: text('The id of a delivery, an event or an endpoint, or else a text of the body or the URL.'),
        ...DELIVERY_FILTER,
        ...PAGE_QUERY,
      },
      async handle({ user: { tenantId }, query: { limit = DEFAULT_LIMIT, ...filter } }) {
        const { items, next, searchedBackTo } = await deliveries.search({ ...filter, tenantId, limit })
        return Response.json({ items, next: next ?? null, searchedBackTo: searchedBackTo ?? null })
      },
    }),
    route({
      method: 'GET',
      path: '/api/deliveries/count',
      role: 'viewer',
      operationId: 'countDeliveries',
      summary: 'Count deliveries, up to a limit',
      response: deliveryCount,
      query: DELIVERY_FILTER,
      handle: async ({ user: { tenantId }, query }) =>
        Response.json(await deliveries.count({ ...query, tenantId })),
    }),
    route({
      method: 'GET',
      path: '/api/deliveries/:id',
      role: 'viewer',
      operationId: 'getDelivery',
      summary: 'Get a delivery with its body and attempts',
      response: deliveryDetails,
      query: REVEAL_QUERY,
      async handle({ id, user, query }) {
        const options = { tenantId: user.tenantId, revealHeaders: mayReveal(user, query) }
        return Response.json(await deliveries.get(id, options))
      },
    }),
    route({
      method: 'GET',
      path: '/api/deliveries/:id/attempts',
      role: 'viewer',
      operationId: 'listAttempts',
      summary: 'List the attempts of a delivery, the newest first',
      response: pageSchema(attempt),
      query: {
        ...PAGE_QUERY,
        before: whole(1, MAX_ATTEMPTS, 'The `next` of the page before; without it, the first page.'),
        ...REVEAL_QUERY,
      },
      async handle({ id, user, query }) {
        const { limit, before } = query
        const options = { tenantId: user.tenantId, revealHeaders: mayReveal(user, query), before }
        const read = (most: number) => deliveries.attempts(id, { ...options, limit: most })
        return Response.json(await pageBy(limit, read, ({ number }) => String(number)))
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
      async handle(call) {
        return Response.json(await deliveries.resend(call.id, scopeOf(call)), { status: 202 })
      },
    }),
    route({
      method: 'POST',
      path: '/api/deliveries/:id/cancel',
      role: 'manager',
      operationId: 'cancelDelivery',
      summary: 'Cancel a pending delivery',
      response: delivery,
      handle: async (call) => Response.json(await deliveries.cancel(call.id, scopeOf(call))),
    }),
  ]
}
