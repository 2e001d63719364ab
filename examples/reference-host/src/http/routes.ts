import { sql } from 'kysely'
import { z } from 'zod'
import { entities } from '../entities/entities.ts'
import { fileRoutes } from '../entities/file.ts'
import { siteRoutes } from '../entities/site.ts'
import { userRoutes } from '../entities/user.ts'
import { entityRoutes } from '../entity/entity-routes.ts'
import { guardMetrics } from '../host/metrics.ts'
import { portalLinkRoutes } from '../people/portal-links.ts'
import { tokenRoutes } from '../people/tokens.ts'
import { openApiRoute } from './openapi.ts'
import { ProblemError } from './problems.ts'
import type { Route } from './route.ts'
import { syncRoutes } from './sync-routes.ts'

const apiRoutes: readonly Route[] = [
  ...syncRoutes,
  // Before the entities' own, whose `:id` takes any word.
  ...fileRoutes,
  ...siteRoutes,
  ...userRoutes,
  ...tokenRoutes,
  ...portalLinkRoutes,
  ...entities.flatMap(entityRoutes),
]

const health = z.object({ status: z.string() })

/** What those ask who look after the host. None needs a tenant, so that no alias has to be found. */
const operatorRoutes: readonly Route[] = [
  {
    method: 'get',
    path: '/healthz',
    summary: 'Whether the process lives',
    tag: 'Host',
    audience: 'everybody',
    output: health,
    handle: () => ({ status: 'ok' }),
  },
  {
    method: 'get',
    path: '/readyz',
    summary: 'Whether it can do its work',
    tag: 'Host',
    audience: 'everybody',
    output: health,
    alsoAnswers: [503],
    async handle({ services: { readiness, db } }) {
      if (!readiness.isReady) throw new ProblemError(503, 'The host is starting or stopping.')
      await sql`select 1`.execute(db)
      return { status: 'ready' }
    },
  },
  {
    method: 'get',
    path: '/metrics',
    summary: 'What was measured, for Prometheus',
    tag: 'Host',
    audience: 'operators',
    output: { contentType: 'text/plain', schema: { type: 'string' } },
    alsoAnswers: [401, 403],
    before: [guardMetrics],
    handle({ services: { showMetrics }, request, response }) {
      if (!showMetrics) throw new ProblemError(404, 'This process measures nothing.')
      return showMetrics(request, response)
    },
  },
]

/** Every route of the host but the portal's, which has pages for people and an API of its own. */
export const routes: readonly Route[] = [
  ...operatorRoutes,
  ...apiRoutes,
  openApiRoute([...operatorRoutes, ...apiRoutes]),
]
