import type { WebhookSender } from '@x/sender'
import type { Route } from '../router.ts'

/** The catalog: what endpoints can ask for. */
export function eventTypeRoutes({ eventTypes }: WebhookSender): Route[] {
  return [
    {
      method: 'GET',
      path: '/api/event-types',
      role: 'viewer',
      handle: async () => Response.json({ items: eventTypes.list({ builtIn: true }) }),
    },
  ]
}
