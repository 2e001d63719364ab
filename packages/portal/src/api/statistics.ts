import type { AttemptStatistics, StatisticsBucket, StatisticsQuery, WebhookSender } from '@x/sender'
import { type QueryOf, type Route, route } from '../describe/route.ts'
import {
  count,
  list,
  named,
  number,
  object,
  optional,
  type Properties,
  time,
  whole,
} from '../describe/schema.ts'
import type { Json, Statistics } from '../ui/api-types.ts'

const DAY_MS = 24 * 60 * 60 * 1_000
const MAX_BUCKET_SECONDS = 100 * 365 * 24 * 60 * 60

const RANGE = {
  since: time('The beginning of the range; a day before its end by default.'),
  until: time('The end of the range, exclusive; now by default.'),
  bucketSeconds: whole(60, MAX_BUCKET_SECONDS, 'What one bucket covers: a multiple of 60.'),
} as const

const counts: Properties<Json<AttemptStatistics>> = {
  attempts: count('Succeeded and failed.'),
  succeeded: count(),
  failed: count(),
  exhausted: count('Deliveries whose last attempt failed.'),
  latency: optional(object({ p50Ms: number(), p95Ms: number(), p99Ms: number() })),
}

const statisticsSchema = named(
  'Statistics',
  object<Statistics>(
    {
      bucketSeconds: count(),
      total: object<Json<AttemptStatistics>>(counts),
      buckets: list(object<Json<StatisticsBucket>>({ from: time(), ...counts }), 'In order, without gaps.'),
    },
    'Attempts over time.',
  ),
)

/** What was attempted over time, of the user's tenant. */
export function statisticsRoutes({ endpoints, statistics }: WebhookSender): Route[] {
  return [
    route({
      method: 'GET',
      path: '/api/statistics',
      role: 'viewer',
      operationId: 'getStatistics',
      summary: 'Count attempts over time, of all endpoints',
      response: statisticsSchema,
      query: RANGE,
      async handle({ user, query }) {
        return Response.json(await statistics({ tenantId: user.tenantId, ...rangeOf(query) }))
      },
    }),
    route({
      method: 'GET',
      path: '/api/endpoints/:id/statistics',
      role: 'viewer',
      operationId: 'getEndpointStatistics',
      summary: 'Count attempts over time, of one endpoint',
      response: statisticsSchema,
      query: RANGE,
      async handle({ id, user, query }) {
        return Response.json(await endpoints.statistics(id, { tenantId: user.tenantId, ...rangeOf(query) }))
      },
    }),
  ]
}

/** The last day, unless something else is asked for. */
function rangeOf({ since, until, bucketSeconds }: QueryOf<typeof RANGE>): StatisticsQuery {
  return { since: since ?? new Date((until?.getTime() ?? Date.now()) - DAY_MS), until, bucketSeconds }
}
