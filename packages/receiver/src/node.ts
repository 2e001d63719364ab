import type { MountedReceiver } from './mounted-receiver.ts'
import { nodeMiddleware, type WebhookMiddleware } from './node-middleware.ts'

export type { MountedReceiver } from './mounted-receiver.ts'
export type { WebhookMiddleware } from './node-middleware.ts'
export type { NodeRequest, NodeResponse } from './node-request.ts'

const ADVICE =
  'Call the webhook receiver before anything reads the request. Next.js pages router: export const config = { api: { bodyParser: false } }. Firebase and Google Cloud Functions keep the bytes in request.rawBody, which is used when it is there.'

/**
 * Answers requests of plain `node:http`, and of what hands out its requests and responses: Connect,
 * API routes of Next.js's pages router, Firebase and Google Cloud Functions.
 *
 * @example
 * ```ts
 * import { createServer } from 'node:http'
 * import { createReceiver } from '@x/receiver'
 * import { webhook } from '@x/receiver/node'
 *
 * const receiver = createReceiver({ secrets: process.env['WEBHOOK_SECRET']! })
 *
 * createServer(webhook(receiver)).listen(3000)
 * ```
 */
export function webhook(receiver: MountedReceiver): WebhookMiddleware {
  return nodeMiddleware(receiver, ADVICE)
}
