import type { AwilixContainer } from 'awilix'
import type { RequestHandler } from 'express'
import type { Services } from '../composition/services.ts'
import { ProblemError } from './problem.ts'

declare global {
  namespace Express {
    interface Request {
      /** The services of this request alone, bound to the tenant of its alias. */
      services: Services
    }
  }
}

/**
 * Opens a scope of services for each request, and tells it whose work it does: the alias is found by
 * the name and port that the client asked for.
 */
export function openRequestScope(container: AwilixContainer<Services>): RequestHandler {
  return async (request, response, next) => {
    const scope = container.createScope()
    response.on('close', () => void scope.dispose())
    const services = scope.cradle
    const alias = await services.aliasRepository.findAlias(request.headers.host ?? '')
    if (!alias) throw new ProblemError(404, 'No site is reached under this host name.')
    services.tenantManager.setAlias(alias)
    request.services = services
    next()
  }
}
