import type { Authorize } from './authorize.ts'
import { createPortalHandler, type PortalParts } from './portal-handler.ts'

export type { Authorize, PortalRole, PortalUser } from './authorize.ts'
export type { PortalParts } from './portal-handler.ts'

/** The part of Hono's context that is needed; typed by structure, so that any version of it fits. */
export interface HonoPortalContext {
  readonly req: { readonly raw: Request }
}

/** What {@link honoPortal} takes. */
export interface HonoPortalOptions<TContext extends HonoPortalContext> extends PortalParts {
  /** Where it is mounted: `/portal` for the route `/portal/*`. */
  readonly basePath: string
  /** Tells who asks, from Hono's context: its headers, its cookies, what middleware left. */
  readonly authorize: Authorize<TContext>
}

/** A handler of Hono. */
export type HonoPortal<TContext> = (context: TContext) => Promise<Response>

/**
 * Makes the portal a handler of Hono 4, on Node.
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
export function honoPortal<TContext extends HonoPortalContext>({
  authorize,
  basePath,
  ...parts
}: HonoPortalOptions<TContext>): HonoPortal<TContext> {
  const handle = createPortalHandler(parts)
  const base = basePath.replace(/\/+$/, '')
  return (context) => handle(context.req.raw, base, () => authorize(context))
}
