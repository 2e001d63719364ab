import type { MountedReceiver } from './mounted-receiver.ts'
import { nodeMiddleware, type WebhookMiddleware } from './node-middleware.ts'

export type { MountedReceiver } from './mounted-receiver.ts'
export type { WebhookMiddleware } from './node-middleware.ts'
export type { NodeRequest, NodeResponse } from './node-request.ts'

const ADVICE =
  'Mount the webhook receiver before express.json() and its like, or keep the bytes: express.json({ verify: (req, res, bytes) => { req.rawBody = bytes } }).'

/**
 * Mounts a receiver in Express 4 or 5. It reads the body itself, up to the receiver's limit; a body kept by
 * `express.raw()` or `express.text()` will do too. When `express.json()` has parsed it, the answer is
 * 500 with the code `body_consumed`, never a success: mount the receiver first.
 *
 * @example
 * ```ts
 * import express from 'express'
 * import { createReceiver } from '@x/receiver'
 * import { webhook } from '@x/receiver/express'
 *
 * const receiver = createReceiver({ secrets: process.env['WEBHOOK_SECRET']! })
 *
 * const app = express()
 * app.post('/hook', webhook(receiver))
 * app.use(express.json())
 * ```
 */
export function webhook(receiver: MountedReceiver): WebhookMiddleware {
  return nodeMiddleware(receiver, ADVICE)
}
