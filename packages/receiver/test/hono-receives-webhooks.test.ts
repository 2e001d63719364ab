import { getRequestListener } from '@hono/node-server'
import { Hono, type MiddlewareHandler } from 'hono'
import { webhook } from '../src/hono.ts'
import { adapterContract, type StartServer } from './adapter-contract.ts'
import { serve } from './socket.ts'

const behind =
  (...middleware: MiddlewareHandler[]): StartServer =>
  (receiver) => {
    const app = new Hono()
    for (const before of middleware) app.use(before)
    app.all('/hook', webhook(receiver))
    return serve(getRequestListener(app.fetch))
  }

adapterContract('webhook(receiver) of Hono', {
  start: behind(),
  kept: {
    'behind c.req.arrayBuffer()': behind(async (c, next) => {
      await c.req.arrayBuffer()
      await next()
    }),
    'behind a middleware that sets headers': behind(async (c, next) => {
      await next()
      c.header('x-request-id', '1')
    }),
  },
  consumed: {
    'behind c.req.json()': behind(async (c, next) => {
      await c.req.json()
      await next()
    }),
    'behind c.req.text()': behind(async (c, next) => {
      await c.req.text()
      await next()
    }),
    'behind what reads the request itself': behind(async (c, next) => {
      await c.req.raw.arrayBuffer()
      await next()
    }),
    'behind what holds the stream': behind(async (c, next) => {
      c.req.raw.body?.getReader()
      await next()
    }),
  },
})
