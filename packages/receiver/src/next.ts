import type { MountedReceiver } from './mounted-receiver.ts'

export type { MountedReceiver } from './mounted-receiver.ts'

/** A route handler of Next.js's app router. */
export type NextWebhook = (request: Request) => Promise<Response>

/**
 * Makes a receiver a route handler of Next.js's app router, on Node or the edge. To be exported as
 * `POST`; Next.js itself answers 405 to other methods. In the pages router use `@x/receiver/node`.
 *
 * @example
 * ```ts
 * // app/hook/route.ts
 * import { createReceiver } from '@x/receiver'
 * import { webhook } from '@x/receiver/next'
 *
 * const receiver = createReceiver({ secrets: process.env['WEBHOOK_SECRET']! })
 *
 * export const POST = webhook(receiver)
 * ```
 */
export function webhook(receiver: MountedReceiver): NextWebhook {
  return (request) => receiver.handle(request)
}
