import { answerFastify, type FastifyWebhookReply, type FastifyWebhookRequest } from './answer-fastify.ts'
import type { MountedReceiver } from './mounted-receiver.ts'

export type { FastifyWebhookReply, FastifyWebhookRequest } from './answer-fastify.ts'
export type { MountedReceiver } from './mounted-receiver.ts'
export type { NodeRequest, NodeResponse } from './node-request.ts'

/** The part of a Fastify instance that is needed. */
export interface FastifyScope {
  removeAllContentTypeParsers(): unknown
  addContentTypeParser(
    contentType: string,
    parser: (request: unknown, payload: unknown, done: (error: Error | null) => void) => void,
  ): unknown
  all(
    url: string,
    handler: (request: FastifyWebhookRequest, reply: FastifyWebhookReply) => Promise<unknown>,
  ): unknown
}

/** A plugin of Fastify; its route is the prefix that it is registered with. */
export type FastifyWebhook = (scope: FastifyScope) => Promise<void>

const ADVICE =
  'A preParsing hook has read it: add such hooks in the plugins that need them, not to the whole application.'

/**
 * Makes a receiver a plugin of Fastify 5. Within it no content type is parsed, so that the bytes arrive
 * as they were signed; the rest of the application parses as before.
 *
 * @example
 * ```ts
 * import fastify from 'fastify'
 * import { createReceiver } from '@x/receiver'
 * import { webhook } from '@x/receiver/fastify'
 *
 * const receiver = createReceiver({ secrets: process.env['WEBHOOK_SECRET']! })
 *
 * const app = fastify()
 * app.register(webhook(receiver), { prefix: '/hook' })
 * ```
 */
export function webhook(receiver: MountedReceiver): FastifyWebhook {
  return async (scope) => {
    scope.removeAllContentTypeParsers()
    // Hands the request on unread: Fastify's bodyLimit does not apply, the receiver's does.
    scope.addContentTypeParser('*', (_request, _payload, done) => done(null))
    scope.all('/', async (request, reply) => {
      await answerFastify(receiver, [request, reply], ADVICE)
      return reply
    })
  }
}
