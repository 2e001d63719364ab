import { once } from 'node:events'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { serve } from '@hono/node-server'
import express, { type Request as ExpressRequest } from 'express'
import fastify, { type FastifyRequest } from 'fastify'
import { type Context, Hono } from 'hono'
import type { PortalUser } from '../src/authorize.ts'
import { expressPortal } from '../src/express.ts'
import { fastifyPortal } from '../src/fastify.ts'
import { honoPortal } from '../src/hono.ts'
import type { PortalParts } from '../src/portal-options.ts'

/** A server with the portal at `/portal`. */
export interface AdapterServer extends AsyncDisposable {
  readonly url: string
}

type UserOf = (authorization: string | undefined) => PortalUser | undefined

/** Starts a server of a framework, with the portal mounted as the documentation says. */
export type StartAdapter = (parts: PortalParts, userOf: UserOf) => Promise<AdapterServer>

export const adapters: Readonly<Record<string, StartAdapter>> = {
  async Express(parts, userOf) {
    const app = express()
    const authorize = (request: ExpressRequest) => userOf(request.get('authorization'))
    app.use('/portal', expressPortal({ ...parts, authorize }))
    return listening(app.listen(0, '127.0.0.1'))
  },
  async 'Express behind express.json()'(parts, userOf) {
    const app = express()
    app.use(express.json())
    const authorize = (request: ExpressRequest) => userOf(request.get('authorization'))
    app.use('/portal', expressPortal({ ...parts, authorize }))
    return listening(app.listen(0, '127.0.0.1'))
  },
  async Fastify(parts, userOf) {
    const app = fastify()
    const authorize = (request: FastifyRequest) => userOf(request.headers.authorization)
    app.register(fastifyPortal({ ...parts, authorize }), { prefix: '/portal' })
    await app.listen({ port: 0, host: '127.0.0.1' })
    return listening(app.server)
  },
  async Hono(parts, userOf) {
    const app = new Hono()
    const authorize = (context: Context) => userOf(context.req.header('authorization'))
    app.all('/portal/*', honoPortal({ ...parts, authorize, basePath: '/portal' }))
    return listening(serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' }) as Server)
  },
}

async function listening(server: Server): Promise<AdapterServer> {
  if (!server.listening) await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/portal`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
