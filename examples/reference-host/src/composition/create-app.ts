import type { Logger } from '@x/events-core'
import type { AwilixContainer } from 'awilix'
import express, { type Express, type RequestHandler } from 'express'
import helmet from 'helmet'
import type { HostConfig } from '../config.ts'
import { checkHost } from '../http/check-host.ts'
import { handleErrors, noSuchRoute } from '../http/error-handlers.ts'
import { guardMetrics } from '../http/guard-metrics.ts'
import { measureRequests } from '../http/measure-requests.ts'
import { mount } from '../http/mounted-routes.ts'
import { logRequests } from '../http/request-log.ts'
import { openRequestScope } from '../http/request-scope.ts'
import { apiRoutes } from '../routes/api-routes.ts'
import { type Health, healthRoutes } from '../routes/health-routes.ts'
import { webPage } from '../routes/web-page.ts'
import { webhookPortal } from '../routes/webhook-portal.ts'
import type { Services } from './services.ts'

const MAX_BODY_BYTES = 100 * 1024

/** What {@link createApp} is made of. */
export interface AppParts {
  readonly container: AwilixContainer<Services>
  readonly logger: Logger
  readonly health: Health
  readonly config: Pick<HostConfig, 'maxUploadBytes' | 'metricsToken' | 'hasOpenMetrics' | 'trustedProxies'>
  /** Answers with what was measured; without it, nothing is. */
  readonly showMetrics: RequestHandler | undefined
}

/** Puts middleware and routes together, in the order in which requests pass them. */
export function createApp({ container, logger, health, config, showMetrics }: AppParts): Express {
  const app = express()
  app.disable('x-powered-by')
  // Whose address it is, and whether it came by HTTPS, the nearest proxies know; what others say is hearsay.
  app.set('trust proxy', config.trustedProxies)
  app.use(logRequests(logger), measureRequests())
  // The host itself speaks HTTP; behind a proxy that speaks HTTPS, the proxy says so to browsers.
  app.use(helmet({ contentSecurityPolicy: { directives: { upgradeInsecureRequests: null } }, hsts: false }))
  app.use(checkHost)
  app.use(healthRoutes(health))
  if (showMetrics) app.get('/metrics', guardMetrics(config, container.cradle), showMetrics)
  app.use('/api', openRequestScope(container))
  mount(
    app,
    '/api',
    apiRoutes({
      guessLimit: container.cradle.guessLimit,
      maxBodyBytes: MAX_BODY_BYTES,
      maxUploadBytes: config.maxUploadBytes,
    }),
  )
  app.use('/portal', openRequestScope(container), webhookPortal(container.cradle))
  app.use(webPage())
  app.use(noSuchRoute)
  app.use(handleErrors(logger))
  return app
}
