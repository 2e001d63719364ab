import type { Receiver } from './create-receiver.ts'
import { type NodeRequest, type NodeResponse, readNodeBody, writeNodeResponse } from './node-request.ts'

export type { NodeRequest, NodeResponse } from './node-request.ts'

/** A request handler of Express 4 and 5, Connect and `node:http`. */
export type WebhookMiddleware = (request: NodeRequest, response: NodeResponse) => Promise<void>

/**
 * Mounts a receiver in Express. It reads the body itself, up to the receiver's limit; a body kept by
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
export function webhook(receiver: Receiver): WebhookMiddleware {
  return async (request, response) => {
    const answer = await receiver.receive({
      method: request.method,
      headers: request.headers,
      body: (maxBodyBytes) => readNodeBody(request, maxBodyBytes),
    })
    writeNodeResponse(request, response, answer)
  }
}
