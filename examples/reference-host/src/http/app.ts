import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createEventsApi } from '@x/sender'
import type { AwilixContainer } from 'awilix'
import express, { type Express, Router } from 'express'
import helmet from 'helmet'
import { logRequests } from '../host/logger.ts'
import { measureRequests } from '../host/metrics.ts'
import type { Services } from '../host/services.ts'
import { identifyCaller } from '../people/caller.ts'
import { checkHost, noStore, openRequestScope, refuseCrossSite } from './middleware.ts'
import { handleErrors, noSuchRoute } from './problems.ts'
import { addRoutes } from './route.ts'
import { routes } from './routes.ts'

const files = fileURLToPath(new URL('../../public', import.meta.url))
// As it is published, also where everything else runs from its sources: browsers take no TypeScript.
const clientPackage = dirname(createRequire(import.meta.url).resolve('@x/client/package.json'))
const client = join(clientPackage, 'dist', 'browser.js')

/** Puts middleware and routes together, in the order in which requests pass them. */
export function createApp(container: AwilixContainer<Services>): Express {
  const services = container.cradle
  const { config, logger, sender, portal, closing } = services
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
  app.use('/portal', portal)
  app.use('/events', createEventsApi({ sender, logger, signal: closing.signal }).node)
  app.use(webPage())
  app.use(noSuchRoute)
  app.use(handleErrors(logger))
  return app
}

/** The page at `/`: files as they are, with no build step, and the client library that they import. */
function webPage(): Router {
  const router = Router()
  // Asked for again each time: after the host was updated, a page that reloads is to get what is new.
  const options = { cacheControl: false, setHeaders: noCache }
  router.get('/assets/client.js', (_request, response, next) => {
    response.sendFile(client, options, (error) => {
      // Not built: that is a page missing, and no failure of the host.
      if (error) next(response.headersSent ? error : undefined)
    })
  })
  router.use(express.static(files, options))
  return router
}

function noCache(response: { setHeader(name: string, value: string): unknown }): void {
  response.setHeader('cache-control', 'no-cache')
}
