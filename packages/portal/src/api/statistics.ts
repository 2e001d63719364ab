import type { StatisticsQuery, WebhookSender } from '@x/sender'
import type { Route } from '../router.ts'
import { readTime, readWhole } from './read-query.ts'

const RANGE = ['since', 'until', 'bucketSeconds']
const DAY_MS = 24 * 60 * 60 * 1_000
const MAX_BUCKET_SECONDS = 100 * 365 * 24 * 60 * 60

/** What was attempted over time, of the user's tenant. */
export function statisticsRoutes({ endpoints, statistics }: WebhookSender): Route[] {
  return [
    {
      method: 'GET',
      path: '/api/statistics',
      role: 'viewer',
      query: RANGE,
      async handle({ user, query }) {
        return Response.json(await statistics({ tenantId: user.tenantId, ...readRange(query) }))
      },
    },
    {
      method: 'GET',
      path: '/api/endpoints/:id/statistics',
      role: 'viewer',
      query: RANGE,
      async handle({ id, user, query }) {
        return Response.json(await endpoints.statistics(id, { tenantId: user.tenantId, ...readRange(query) }))
      },
    },
  ]
}

/** The last day, unless something else is asked for. */
function readRange(query: URLSearchParams): StatisticsQuery {
  const until = readTime('until', query.get('until'))
  const since = readTime('since', query.get('since'))
  return {
    since: since ?? new Date((until?.getTime() ?? Date.now()) - DAY_MS),
    until,
    bucketSeconds: readWhole(query, 'bucketSeconds', 60, MAX_BUCKET_SECONDS),
  }
}
