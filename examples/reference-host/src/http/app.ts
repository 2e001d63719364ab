import { createEventsApi } from '@x/sender'
import type { AwilixContainer } from 'awilix'
import express, { type Express } from 'express'
import helmet from 'helmet'
import { logRequests } from '../host/logger.ts'
import { measureRequests } from '../host/metrics.ts'
import type { Services } from '../host/services.ts'
import { identifyCaller } from '../people/caller.ts'
import { checkHost, noStore, openRequestScope, refuseCrossSite } from './middleware.ts'
import { handleErrors, noSuchRoute } from './problems.ts'
import { addRoutes } from './route.ts'
import { routes } from './routes.ts'
import { webPage } from './web-page.ts'
import { webhookPortal } from './webhook-portal.ts'

/** Puts middleware and routes together, in the order in which requests pass them. */
export function createApp(container: AwilixContainer<Services>): Express {
  const services = container.cradle
  const { config, logger, sender, closing } = services
  const app = express()
  app.disable('x-powered-by')
  // Whose address it is, and whether it came by HTTPS, the nearest proxies know; what others say is hearsay.
  app.set('trust proxy', config.trustedProxies)
  app.use(logRequests(logger), measureRequests())
  // The host itself speaks HTTP; behind a proxy that speaks HTTPS, the proxy says so to browsers.
  app.use(helmet({ contentSecurityPolicy: { directives: { upgradeInsecureRequests: null } }, hsts: false }))
  app.use(checkHost)
  app.use((request, _response, next) => {
    // Until the tenant is known, they are those of the process.
    request.services = services
    next()
  })
  app.use(['/api', '/portal'], openRequestScope(container))
  app.use('/api', noStore, identifyCaller, refuseCrossSite)
  addRoutes(app, routes)
  app.use('/portal', webhookPortal(services))
  app.use('/events', createEventsApi({ sender, logger, signal: closing.signal }).node)
  app.use(webPage())
  app.use(noSuchRoute)
  app.use(handleErrors(logger))
  return app
}
