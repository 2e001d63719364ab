import type { Receiver } from './create-receiver.ts'
import { type NodeRequest, nodeHeaders, readNodeBody } from './node-request.ts'

/** The part of a Fastify request that is needed. */
export interface FastifyWebhookRequest {
  readonly raw: NodeRequest
  /** The bytes that NestJS keeps when it is told `rawBody: true`. */
  readonly rawBody?: unknown
}

/** The part of a Fastify reply that is needed. */
export interface FastifyWebhookReply {
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
  receiver: Receiver,
  [request, reply]: readonly [FastifyWebhookRequest, FastifyWebhookReply],
  advice: string,
): Promise<void> {
  const { raw, rawBody } = request
  const answer = await receiver.receive({
    method: raw.method,
    headers: raw.headers,
    body: async (maxBodyBytes) =>
      rawBody instanceof Uint8Array ? rawBody : readNodeBody(raw, maxBodyBytes, advice),
  })
  reply.code(answer.status)
  reply.headers({ ...nodeHeaders(raw, answer) })
  reply.send(answer.body === '' ? undefined : answer.body)
}
