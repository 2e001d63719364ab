import type { ServerResponse } from 'node:http'
import type { Authorize } from './authorize.ts'
import { type PortalNodeRequest, sendWebResponse, webRequestOf } from './node-request.ts'
import { createPortalHandler, type PortalLinks } from './portal-handler.ts'
import { assertMounted, MOUNTED_NAMES, type MountedPortalParts } from './portal-options.ts'

export type { Authorize, PortalRole, PortalUser } from './authorize.ts'
export type { PortalNodeRequest } from './node-request.ts'
export type { MountedPortalParts, PortalParts } from './portal-options.ts'

/** What {@link expressPortal} takes. */
export interface ExpressPortalOptions<TRequest extends PortalNodeRequest>
  extends MountedPortalParts<TRequest> {
  /** Tells who asks, from Express's own request: its headers, its session, what middleware left. */
  readonly authorize: Authorize<TRequest>
}

/** A request handler of Express 4 and 5, which also makes links. */
export interface ExpressPortal<TRequest> extends PortalLinks {
  (request: TRequest, response: ServerResponse, next: (error?: unknown) => void): void
}

/**
 * Mounts the portal in Express; it knows by itself where. It answers everything below, so that what
 * comes after it is for other paths.
 *
 * @throws TypeError or RangeError for an option that cannot be used, naming it.
 *
 * @example
 * ```ts
 * import express, { type Request } from 'express'
 * import { expressPortal, type PortalUser } from '@x/portal/express'
 * import type { WebhookSender } from '@x/sender'
 *
 * function hostOf(sender: WebhookSender, userOf: (token: string) => PortalUser | undefined) {
 *   const app = express()
 *   const authorize = (request: Request) => userOf(request.get('authorization') ?? '')
 *   app.use('/portal', expressPortal({ sender, authorize }))
 *   return app
 * }
 * ```
 */
export function expressPortal<TRequest extends PortalNodeRequest>(
  options: ExpressPortalOptions<TRequest>,
): ExpressPortal<TRequest> {
  assertMounted(options, { ...MOUNTED_NAMES, authorize: true })
  const { authorize, clientOf = ({ ip }: TRequest) => ip, ...parts } = options
  const { handle, ...links } = createPortalHandler(parts)

  const middleware = (request: TRequest, response: ServerResponse, next: (error?: unknown) => void) => {
    const { protocol, originalUrl = request.url ?? '/', body } = request
    handle({
      request: () => webRequestOf(request, { protocol, path: originalUrl, body }),
      path: originalUrl.split('?')[0] ?? '/',
      basePath: request.baseUrl ?? '',
      client: () => clientOf(request),
      identify: () => authorize(request),
    })
      .then((answer) => sendWebResponse(answer, response))
      .catch(next)
  }
  return Object.assign(middleware, links)
}
