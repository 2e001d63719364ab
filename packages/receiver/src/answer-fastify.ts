import type { MountedReceiver } from './mounted-receiver.ts'
import { inputOfNode, type NodeRequest, type NodeResponse, nodeHeaders } from './node-request.ts'

/** The part of a Fastify request that is needed. */
export interface FastifyWebhookRequest {
  readonly raw: NodeRequest
  /** The bytes that NestJS keeps when it is told `rawBody: true`. */
  readonly rawBody?: unknown
}

/** The part of a Fastify reply that is needed. */
export interface FastifyWebhookReply {
  readonly raw: NodeResponse
  code(status: number): unknown
  headers(values: Record<string, string>): unknown
  send(body?: string): unknown
}

/**
 * Answers what Fastify has routed.
 *
 * @param advice - what to do when somebody else has read the body.
 */
export async function answerFastify(
  receiver: MountedReceiver,
  [request, reply]: readonly [FastifyWebhookRequest, FastifyWebhookReply],
  advice: string,
): Promise<void> {
  const { raw, rawBody } = request
  const answer = await receiver.receive(inputOfNode(raw, reply.raw, { advice, kept: rawBody }))
  reply.code(answer.status)
  reply.headers({ ...nodeHeaders(raw, answer) })
  reply.send(answer.body === '' ? undefined : answer.body)
}
