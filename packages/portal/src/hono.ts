import { assertOption } from './assert-option.ts'
import type { Authorize } from './authorize.ts'
import { pathOf } from './create-portal.ts'
import { isNormalPath } from './normal-path.ts'
import { createPortalHandler, type PortalLinks } from './portal-handler.ts'
import { assertMounted, MOUNTED_NAMES, type MountedPortalParts } from './portal-options.ts'

export type { Authorize, PortalRole, PortalUser } from './authorize.ts'
export type { MountedPortalParts, PortalParts } from './portal-options.ts'

/** The part of Hono's context that is needed; typed by structure, so that any version of it fits. */
export interface HonoPortalContext {
  readonly req: { readonly raw: Request }
  /** What the server has left there; that of Node, the request as it came in. */
  readonly env?: unknown
}

/** What {@link honoPortal} takes. */
export interface HonoPortalOptions<TContext extends HonoPortalContext> extends MountedPortalParts<TContext> {
  /** Where it is mounted: `/portal` for the route `/portal/*`. */
  readonly basePath: string
  /** Tells who asks, from Hono's context: its headers, its cookies, what middleware left. */
  readonly authorize: Authorize<TContext>
}

/** A handler of Hono, which also makes links. */
export interface HonoPortal<TContext> extends PortalLinks {
  (context: TContext): Promise<Response>
}

/**
 * Makes the portal a handler of Hono 4, on Node.
 *
 * @throws TypeError or RangeError for an option that cannot be used, naming it.
 *
 * @example
 * ```ts
 * import { type Context, Hono } from 'hono'
 * import { honoPortal, type PortalUser } from '@x/portal/hono'
 * import type { WebhookSender } from '@x/sender'
 *
 * function hostOf(sender: WebhookSender, userOf: (token: string) => PortalUser | undefined) {
 *   const app = new Hono()
 *   const authorize = (context: Context) => userOf(context.req.header('authorization') ?? '')
 *   app.all('/portal/*', honoPortal({ sender, authorize, basePath: '/portal' }))
 *   return app
 * }
 * ```
 */
export function honoPortal<TContext extends HonoPortalContext>(
  options: HonoPortalOptions<TContext>,
): HonoPortal<TContext> {
  assertMounted(options, { ...MOUNTED_NAMES, authorize: true, basePath: true })
  const { authorize, basePath, clientOf = remoteAddressOf, ...parts } = options
  assertOption(basePath !== undefined, 'basePath', 'the path that it is mounted at', basePath)
  const { handle, ...links } = createPortalHandler(parts)
  const base = basePath.replace(/\/+$/, '')
  const answer = (context: TContext) =>
    handle({
      request: () => context.req.raw,
      path: pathAskedFor(context),
      basePath: base,
      client: () => clientOf(context),
      identify: () => authorize(context),
    })
  return Object.assign(answer, links)
}

/** A request as `@hono/node-server` has it from Node. */
interface Incoming {
  readonly url?: string
  readonly socket?: { readonly remoteAddress?: string }
}

function incomingOf({ env }: HonoPortalContext): Incoming | undefined {
  return (Object(env) as { readonly incoming?: Incoming }).incoming
}

function remoteAddressOf(context: HonoPortalContext): string | undefined {
  return incomingOf(context)?.socket?.remoteAddress
}

/** The server has tidied up the URL of the request; a proxy in front of it has seen what the client wrote. */
function pathAskedFor(context: HonoPortalContext): string {
  const [written = '/'] = (incomingOf(context)?.url ?? '/').split('?')
  return isNormalPath(written) ? pathOf(context.req.raw.url) : written
}
