import { answerFastify, type FastifyWebhookReply, type FastifyWebhookRequest } from './answer-fastify.ts'
import type { MountedReceiver } from './mounted-receiver.ts'
import { nodeMiddleware } from './node-middleware.ts'
import type { NodeRequest, NodeResponse } from './node-request.ts'

export type { FastifyWebhookReply, FastifyWebhookRequest } from './answer-fastify.ts'
export type { MountedReceiver } from './mounted-receiver.ts'
export type { NodeRequest, NodeResponse } from './node-request.ts'

/** A functional middleware of NestJS; a controller can call it with its `@Req()` and `@Res()`. */
export type NestWebhook = (
  request: NodeRequest | FastifyWebhookRequest,
  response: NodeResponse | FastifyWebhookReply,
) => Promise<void>

const ADVICE =
  'Keep the bytes: NestFactory.create(AppModule, { rawBody: true }). Or mount the receiver ahead of the body parser, with app.use(path, webhook(receiver)) before app.listen().'

/**
 * Mounts a receiver in NestJS, on Express or Fastify: as a middleware of the application, which comes
 * before the body parser, or with `rawBody: true` also as one of a module, or in a controller. Where the
 * bytes are gone the answer is 500 with the code `body_consumed`.
 *
 * @example
 * ```ts
 * import type { MiddlewareConsumer, NestModule } from '@nestjs/common'
 * import { createReceiver } from '@x/receiver'
 * import { webhook } from '@x/receiver/nestjs'
 *
 * const receiver = createReceiver({ secrets: process.env['WEBHOOK_SECRET']! })
 *
 * // with NestFactory.create(HookModule, { rawBody: true })
 * export class HookModule implements NestModule {
 *   configure(consumer: MiddlewareConsumer) {
 *     consumer.apply(webhook(receiver)).forRoutes('hook')
 *   }
 * }
 * ```
 */
export function webhook(receiver: MountedReceiver): NestWebhook {
  const answerNode = nodeMiddleware(receiver, ADVICE)
  return async (request, response) => {
    if ('raw' in request && 'send' in response && 'code' in response) {
      return answerFastify(receiver, [request, response], ADVICE)
    }
    return answerNode(request as NodeRequest, response as NodeResponse)
  }
}
