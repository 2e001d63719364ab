import Koa, { type Middleware } from 'koa'
import bodyParser from 'koa-bodyparser'
import { webhook } from '../src/koa.ts'
import { adapterContract, type StartServer } from './adapter-contract.ts'
import { serve } from './socket.ts'

const behind =
  (...middleware: Middleware[]): StartServer =>
  (receiver) => {
    const app = new Koa()
    app.silent = true // of senders that hang up
    for (const before of middleware) app.use(before)
    app.use(webhook(receiver))
    return serve(app.callback())
  }

adapterContract('webhook(receiver) of Koa', {
  start: behind(),
  kept: {
    'behind koa-bodyparser that is told to leave it alone': behind((ctx, next) => {
      ctx['disableBodyParser'] = ctx.path === '/hook'
      return next()
    }, bodyParser()),
  },
  consumed: { 'behind koa-bodyparser': behind(bodyParser()) },
})
