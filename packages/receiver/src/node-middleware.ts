import type { MountedReceiver } from './mounted-receiver.ts'
import { inputOfNode, type NodeRequest, type NodeResponse, writeNodeResponse } from './node-request.ts'

/** A request handler of `node:http`, which Express, Connect and NestJS call as well. */
export type WebhookMiddleware = (request: NodeRequest, response: NodeResponse) => Promise<void>

/**
 * Answers what arrives on a socket.
 *
 * @param advice - what to do when somebody else has read the body.
 */
export function nodeMiddleware(receiver: MountedReceiver, advice: string): WebhookMiddleware {
  return async (request, response) => {
    const answer = await receiver.receive(inputOfNode(request, response, { advice }))
    writeNodeResponse(request, response, answer)
  }
}
