import type { CancelDeliveries, RecoverDeliveries, ReplayDeliveries, WebhookSender } from '@x/sender'
import type { Route, RouteCall } from '../router.ts'
import { pageOf, readLimit } from './page.ts'
import { readTime } from './read-query.ts'

/** What is done to many deliveries at once, of the user's tenant. */
export function jobRoutes({ deliveries, jobs }: WebhookSender): Route[] {
  const scopeOf = ({ user }: RouteCall) => ({ tenantId: user.tenantId })

  /** What the fields hold is checked by the sender, times excepted. */
  function read<TOptions>(call: RouteCall): TOptions {
    const { since, until, ...fields } = call.fields
    const times = { since: readTime('since', since), until: readTime('until', until) }
    return { ...fields, ...times, ...scopeOf(call) } as TOptions
  }

  return [
    {
      method: 'POST',
      path: '/api/endpoints/:id/cancel-pending',
      role: 'manager',
      fields: ['until', 'eventTypes'],
      async handle(call) {
        const options = read<CancelDeliveries>(call)
        return Response.json(await deliveries.cancelPending(call.id, options), { status: 202 })
      },
    },
    {
      method: 'POST',
      path: '/api/endpoints/:id/recover',
      role: 'manager',
      fields: ['since', 'until', 'eventTypes'],
      async handle(call) {
        const options = read<RecoverDeliveries>(call)
        return Response.json(await deliveries.recover(call.id, options), { status: 202 })
      },
    },
    {
      method: 'POST',
      path: '/api/endpoints/:id/replay',
      role: 'manager',
      fields: ['since', 'until', 'eventTypes', 'include'],
      async handle(call) {
        const options = read<ReplayDeliveries>(call)
        return Response.json(await deliveries.replay(call.id, options), { status: 202 })
      },
    },
    {
      method: 'GET',
      path: '/api/jobs',
      role: 'viewer',
      query: ['endpointId', 'before', 'limit'],
      async handle({ user, query }) {
        const { tenantId } = user
        const endpointId = query.get('endpointId') ?? undefined
        const before = query.get('before') ?? undefined
        const filter = { tenantId, endpointId, before }
        return Response.json(await pageOf(readLimit(query), (limit) => jobs.list({ ...filter, limit })))
      },
    },
    {
      method: 'GET',
      path: '/api/jobs/:id',
      role: 'viewer',
      handle: async (call) => Response.json(await jobs.get(call.id, scopeOf(call))),
    },
    {
      method: 'POST',
      path: '/api/jobs/:id/cancel',
      role: 'manager',
      handle: async (call) => Response.json(await jobs.cancel(call.id, scopeOf(call))),
    },
  ]
}
