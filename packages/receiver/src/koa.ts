import type { MountedReceiver } from './mounted-receiver.ts'
import { inputOfNode, type NodeRequest, type NodeResponse, nodeHeaders } from './node-request.ts'

export type { MountedReceiver } from './mounted-receiver.ts'
export type { NodeRequest, NodeResponse } from './node-request.ts'

/** The part of Koa's context that is needed. */
export interface KoaContext {
  readonly req: NodeRequest
  readonly res: NodeResponse
  status: number
  body: unknown
  set(name: string, value: string): unknown
}

/** A middleware of Koa that answers every request that reaches it. */
export type KoaWebhook = (context: KoaContext) => Promise<void>

// What koa-bodyparser keeps in ctx.request.rawBody is text that was decoded: other bytes may decode to
// the same, and a byte order mark is gone.
const ADVICE =
  "Mount the webhook receiver before the body parser, or set ctx.disableBodyParser = true for its path in a middleware before the parser. The parser's ctx.request.rawBody is decoded text and will not do."

/**
 * Mounts a receiver in Koa. It reads the body itself, up to the receiver's limit. When a body parser
 * has read it, the answer is 500 with the code `body_consumed`.
 *
 * @example
 * ```ts
 * import Koa from 'koa'
 * import { createReceiver } from '@x/receiver'
 * import { webhook } from '@x/receiver/koa'
 *
 * const receiver = createReceiver({ secrets: process.env['WEBHOOK_SECRET']! })
 * const hook = webhook(receiver)
 *
 * const app = new Koa()
 * app.use((ctx, next) => (ctx.path === '/hook' ? hook(ctx) : next()))
 * ```
 */
export function webhook(receiver: MountedReceiver): KoaWebhook {
  return async (context) => {
    const { req, res } = context
    const answer = await receiver.receive(inputOfNode(req, res, { advice: ADVICE }))
    context.status = answer.status
    for (const [name, value] of Object.entries(nodeHeaders(req, answer))) context.set(name, value)
    // Never null, which Koa takes to mean 204 whatever the status is.
    context.body = answer.body
  }
}
