import type { IncomingMessage } from 'node:http'
import { Readable } from 'node:stream'
import type { ReadableStream } from 'node:stream/web'
import type { Authorize } from './authorize.ts'
import { webRequestOf } from './node-request.ts'
import { createPortalHandler, type PortalLinks } from './portal-handler.ts'
import { assertMounted, MOUNTED_NAMES, type MountedPortalParts } from './portal-options.ts'

export type { Authorize, PortalRole, PortalUser } from './authorize.ts'
export type { MountedPortalParts, PortalParts } from './portal-options.ts'

/** The part of a Fastify request that is needed; typed by structure, so that any version of it fits. */
export interface FastifyPortalRequest {
  readonly raw: IncomingMessage
  readonly protocol: string
  /** Where it comes from, as far as proxies are trusted. */
  readonly ip?: string | undefined
}

/** The part of a Fastify reply that is needed. */
export interface FastifyPortalReply {
  code(status: number): unknown
  header(name: string, value: string): unknown
  send(body?: unknown): unknown
}

/** The part of a Fastify instance that is needed. */
export interface FastifyPortalScope<TRequest> {
  readonly prefix: string
  removeAllContentTypeParsers(): unknown
  addContentTypeParser(
    contentType: string,
    parser: (request: unknown, payload: unknown, done: (error: Error | null) => void) => void,
  ): unknown
  all(url: string, handler: (request: TRequest, reply: FastifyPortalReply) => Promise<unknown>): unknown
}

/** What {@link fastifyPortal} takes. */
export interface FastifyPortalOptions<TRequest extends FastifyPortalRequest>
  extends MountedPortalParts<TRequest> {
  /** Tells who asks, from Fastify's own request: its headers, its session, what hooks left. */
  readonly authorize: Authorize<TRequest>
}

/** A plugin of Fastify; the portal lies at the prefix that it is registered with. It also makes links. */
export interface FastifyPortal<TRequest> extends PortalLinks {
  (scope: FastifyPortalScope<TRequest>): Promise<void>
}

/**
 * Makes the portal a plugin of Fastify 5. Within it no content type is parsed; the rest of the
 * application parses as before.
 *
 * @throws TypeError or RangeError for an option that cannot be used, naming it.
 *
 * @example
 * ```ts
 * import fastify, { type FastifyRequest } from 'fastify'
 * import { fastifyPortal, type PortalUser } from '@x/portal/fastify'
 * import type { WebhookSender } from '@x/sender'
 *
 * function hostOf(sender: WebhookSender, userOf: (token: string) => PortalUser | undefined) {
 *   const app = fastify()
 *   const authorize = (request: FastifyRequest) => userOf(request.headers.authorization ?? '')
 *   app.register(fastifyPortal({ sender, authorize }), { prefix: '/portal' })
 *   return app
 * }
 * ```
 */
export function fastifyPortal<TRequest extends FastifyPortalRequest>(
  options: FastifyPortalOptions<TRequest>,
): FastifyPortal<TRequest> {
  assertMounted(options, { ...MOUNTED_NAMES, authorize: true })
  const { authorize, clientOf = ({ ip }: TRequest) => ip, ...parts } = options
  const { handle, ...links } = createPortalHandler(parts)

  const plugin = async (scope: FastifyPortalScope<TRequest>) => {
    const base = scope.prefix.replace(/\/+$/, '')
    scope.removeAllContentTypeParsers()
    // Hands the body on unread: Fastify's bodyLimit does not apply, the portal's does.
    scope.addContentTypeParser('*', (_request, _payload, done) => done(null))
    const answer = async (request: TRequest, reply: FastifyPortalReply) => {
      const { raw, protocol } = request
      const response = await handle({
        request: () => webRequestOf(raw, { protocol }),
        path: (raw.url ?? '/').split('?')[0] ?? '/',
        basePath: base,
        client: () => clientOf(request),
        identify: () => authorize(request),
      })
      reply.code(response.status)
      for (const [name, value] of response.headers) reply.header(name, value)
      reply.send(response.body ? Readable.fromWeb(response.body as ReadableStream) : undefined)
      return reply
    }
    scope.all('/', answer)
    scope.all('/*', answer)
  }
  return Object.assign(plugin, links)
}
