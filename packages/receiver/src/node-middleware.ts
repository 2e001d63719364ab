import type { Receiver } from './create-receiver.ts'
import { type NodeRequest, type NodeResponse, readNodeBody, writeNodeResponse } from './node-request.ts'

/** A request handler of `node:http`, which Express, Connect and NestJS call as well. */
export type WebhookMiddleware = (request: NodeRequest, response: NodeResponse) => Promise<void>

/**
 * Answers what arrives on a socket.
 *
 * @param advice - what to do when somebody else has read the body.
 */
export function nodeMiddleware(receiver: Receiver, advice: string): WebhookMiddleware {
  return async (request, response) => {
    const answer = await receiver.receive({
      method: request.method,
      headers: request.headers,
      body: (maxBodyBytes) => readNodeBody(request, maxBodyBytes, advice),
    })
    writeNodeResponse(request, response, answer)
  }
}
