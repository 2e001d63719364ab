import type { Authorize } from './authorize.ts'
import { createPortalHandler, type PortalLinks } from './portal-handler.ts'
import { assertMounted, MOUNTED_NAMES, type MountedPortalParts } from './portal-options.ts'

/** What {@link createPortal} takes. */
export interface PortalOptions extends MountedPortalParts<Request> {
  /** Tells who asks, from the request's headers. */
  readonly authorize: Authorize<Request>
  /**
   * Where it is mounted, such as `/portal`.
   * @defaultValue '' (the root)
   */
  readonly basePath?: string | undefined
}

/** The portal, for everything that speaks `Request` and `Response`. */
export interface Portal extends PortalLinks {
  /** Answers one request; never rejects. */
  handle(request: Request): Promise<Response>
}

/**
 * Creates the webhook portal of a host: a JSON API through which tenants look after their endpoints
 * and deliveries.
 *
 * @throws TypeError or RangeError for an option that cannot be used, naming it.
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
export function createPortal(options: PortalOptions): Portal {
  assertMounted(options, { ...MOUNTED_NAMES, authorize: true, basePath: true })
  const { authorize, basePath = '', clientOf = () => undefined, ...parts } = options
  const { handle, ...links } = createPortalHandler(parts)
  const base = basePath.replace(/\/+$/, '')
  return {
    ...links,
    handle: (request) =>
      handle({
        request: () => request,
        path: pathOf(request.url),
        basePath: base,
        client: () => clientOf(request),
        identify: () => authorize(request),
      }),
  }
}

/** The path of a URL as it is written: servers may hand on one that nothing has tidied up. */
export function pathOf(url: string): string {
  return /^[a-z][a-z\d+.-]*:\/\/[^/?#]*([^?#]*)/i.exec(url)?.[1] || '/'
}
