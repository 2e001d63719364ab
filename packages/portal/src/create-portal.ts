import type { Authorize } from './authorize.ts'
import { createPortalHandler, type PortalParts } from './portal-handler.ts'

/** What {@link createPortal} takes. */
export interface PortalOptions extends PortalParts {
  /** Tells who asks, from the request's headers. */
  readonly authorize: Authorize<Request>
  /**
   * Where it is mounted, such as `/portal`.
   * @defaultValue '' (the root)
   */
  readonly basePath?: string | undefined
}

/** The portal, for everything that speaks `Request` and `Response`. */
export interface Portal {
  /** Answers one request; never rejects. */
  handle(request: Request): Promise<Response>
}

/**
 * Creates the webhook portal of a host: a JSON API through which tenants look after their endpoints
 * and deliveries.
 *
 * @example
 * ```ts
 * import { createPortal, type PortalUser } from '@x/portal'
 * import type { WebhookSender } from '@x/sender'
 *
 * function portalOf(sender: WebhookSender, userOf: (token: string) => PortalUser | undefined) {
 *   return createPortal({
 *     sender,
 *     basePath: '/portal',
 *     authorize: (request) => userOf(request.headers.get('authorization') ?? ''),
 *   })
 * }
 * ```
 */
export function createPortal({ authorize, basePath = '', ...parts }: PortalOptions): Portal {
  const handle = createPortalHandler(parts)
  const base = basePath.replace(/\/+$/, '')
  return { handle: (request) => handle(request, base, () => authorize(request)) }
}
